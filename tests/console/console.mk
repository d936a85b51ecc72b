# Debian's Chromium, for the console's tests. Without it they are left out loudly, and fail where CI=true.

CHROMIUM := /usr/bin/chromium
BROWSER_PACKAGES := chromium

# --- a browser for the tests -------------------------------------------------------------------------------

browser-setup: ## Debian's Chromium, for the console's tests
	@test -x $(CHROMIUM) || { \
	    echo "The console's tests need $(CHROMIUM), which is not here: apt-get install $(BROWSER_PACKAGES)"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(BROWSER_PACKAGES); } >/dev/null; } \
	  || echo "NOTE: Chromium could not be installed (apt-get install $(BROWSER_PACKAGES), as root); the console's tests will not run"

.PHONY: browser-setup
