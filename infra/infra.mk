# What belongs to infra/ and to the image; the Makefile includes it.
STAGE ?= demo
REGION ?= us-east-1
INFRA_BIN := .venv-infra/bin

.venv-infra/.done: .venv/.base requirements/infra.txt
	$(UV) venv --quiet --clear --python $(BIN)/python .venv-infra
	$(UV) pip install --quiet --python $(INFRA_BIN)/python --require-hashes -r requirements/infra.txt
	touch $@

setup-test: .venv-infra/.done

infra-test: .venv/.dev .venv-infra/.done .venv-ministack/.done ## check the Terraform and the Dockerfile without AWS
	$(BIN)/pytest tests/infra

image-test: .venv/.run .venv/.weights ## build the image and phone it (Debian, as root, minutes)
	infra/image-test

bench-lambda: .venv/.bench ## the CPU of a Lambda's cold start, with the package's bytecode and without it
	@$(BIN)/python -m bench.lambda_start

infra-setup: .venv/.run ## make the bucket of Terraform's state: make infra-setup STAGE=prod
	$(BIN)/python infra/setup-backend $(STAGE) --region $(REGION)

infra-tables: .venv/.run # after a change of an index in data/records.py or in a tool's file
	$(BIN)/python infra/check/tables.py > infra/modules/data/tables.json

infra-settings: .venv/.run # after REST reads another setting
	$(BIN)/python infra/check/rest_settings.py > infra/modules/rest/settings.json

infra-schema: .venv/.base # after the first use of a resource type
	$(BIN)/python infra/check/extract.py

lock: lock-infra

lock-infra: .venv/.base
	$(LOCK) requirements/infra.in -o requirements/infra.txt
	$(LOCK) -c requirements/server.txt requirements/lambda.in -o requirements/lambda.txt
	$(LOCK) --no-deps requirements/schema.in -o requirements/schema.txt

.PHONY: infra-test image-test bench-lambda infra-setup infra-tables infra-settings infra-schema lock-infra
