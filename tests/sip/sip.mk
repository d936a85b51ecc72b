# Debian's sipp and baresip, which ring Carlos in the tests. Without them those are left out loudly, and fail where CI=true.

SIP_CLIENTS := /usr/bin/sipp /usr/bin/baresip
SIP_PACKAGES := sip-tester baresip-core

# --- phones for the tests ----------------------------------------------------------------------------------

sip-setup: ## Debian's sipp and baresip, for the tests of the SIP line
	@ls $(SIP_CLIENTS) >/dev/null 2>&1 || { \
	    echo "The SIP line's tests need $(SIP_CLIENTS), which are not all here: apt-get install --no-install-recommends $(SIP_PACKAGES)"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SIP_PACKAGES); } >/dev/null; } \
	  || echo "NOTE: sipp and baresip could not be installed (apt-get install --no-install-recommends $(SIP_PACKAGES), as root); the tests that ring with them will not run"

sip: .venv/.dev .venv/.weights sip-setup ## recorded callers ring over SIP, and what they hear is judged: make sip CALLS=20
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.sip --calls $(CALLS)

sip-line: .venv/.bench ## added latency and calls a core of the SIP line, beside Twilio's
	@LOGURU_LEVEL=ERROR $(BIN)/python -W ignore -m bench.sip_line

.PHONY: sip-setup sip sip-line
