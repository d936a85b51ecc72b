# The server's image: for SONIC=bedrock, or SONIC_ENDPOINT; the stand-in and the Twilio double are not in it.
# A tag is whatever its registry says today: a release names its base by digest as well, and RELEASE=true holds it to that.
#   docker buildx imagetools inspect python:3.13-slim-trixie --format '{{.Manifest.Digest}}'
#   docker build --build-arg RELEASE=true --build-arg BASE=python:3.13-slim-trixie@sha256:... .
# With the SIP line, which has a lock of its own: docker build --build-arg EXTRAS=sip .
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
ARG BASE
ARG RELEASE=false
ARG EXTRAS=
RUN case "$RELEASE $BASE" in \
    "true "*@sha256:????????????????????????????????????????????????????????????????) ;; \
    "true "*) echo "RELEASE=true needs BASE with its digest, and not $BASE" >&2; exit 1 ;; \
    esac
WORKDIR /src
COPY requirements/tools.txt requirements/server.txt requirements/server-sip.txt requirements/
RUN python3 -m venv /opt/tools \
    && /opt/tools/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/tools.txt \
    && /opt/tools/bin/uv venv --python "$(command -v python3)" /opt/carlos \
    && /opt/tools/bin/uv pip sync --no-cache --require-hashes \
       --python /opt/carlos/bin/python "requirements/server${EXTRAS:+-$EXTRAS}.txt" \
    # asked for by pipecat mostly, and imported by nothing in the server: 310 MB
    && /opt/tools/bin/uv pip uninstall --python /opt/carlos/bin/python \
       llvmlite numba onnxruntime openai resampy soundfile
COPY . .
RUN /opt/tools/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/tools/bin/uv pip install --no-cache --no-deps --python /opt/carlos/bin/python /dist/*.whl \
    # bytecode of what the server imports, not of every package's every module
    && /opt/carlos/bin/python -P -c "import carlos.cli, carlos.server"

FROM ${BASE}
COPY --from=build /opt/carlos /opt/carlos
# The two places that can be written when the root file system is read-only.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/carlos
VOLUME ["/var/lib/carlos", "/tmp"]
ENV PATH=/opt/carlos/bin:$PATH \
    HOME=/var/lib/carlos \
    CARLOS_HOME=/var/lib/carlos \
    HOST=0.0.0.0 \
    WS_PORT=8081 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/carlos
USER 10001:10001
EXPOSE 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8081, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["carlos", "serve"]
