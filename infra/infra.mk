# What belongs to infra/ and to the image; the Makefile includes it.
STAGE ?= demo
REGION ?= us-east-1
INFRA_BIN := .venv-infra/bin

# --- infra/ and the image ----------------------------------------------------------------------------------

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

# --- a stage on AWS: docs/deploy.md. Terraform shows what it will do and asks before it does it ------------------

TERRAFORM := terraform -chdir=infra
PACKAGE ?= infra/package-api
MINE := $(if $(wildcard infra/mine.tfvars),-var-file=mine.tfvars)
VALUES = -var-file=$(STAGE).tfvars $(MINE) $(if $(TARGET),-target=$(TARGET))

infra-init: # the state of this stage, and of no other
	@command -v terraform >/dev/null || { echo "terraform is not installed: 1.10 or later is needed"; exit 1; }
	@test -f infra/$(STAGE).tfvars || { echo "there is no infra/$(STAGE).tfvars: a stage needs its sizes"; exit 1; }
	@test -f infra/$(STAGE).s3.tfbackend || { echo "stage $(STAGE) has no state yet: make infra-setup STAGE=$(STAGE)"; exit 1; }
	$(TERRAFORM) init -input=false -reconfigure -backend-config=$(STAGE).s3.tfbackend

lambda-package: .venv/.base
	$(PACKAGE)

plan: infra-init lambda-package ## what a deployment would change on AWS: make plan STAGE=demo
	@echo "plan: shows what would change in stage $(STAGE), and changes nothing"
	$(TERRAFORM) plan $(VALUES)

deploy: infra-init lambda-package ## change stage on AWS, after a question: make deploy STAGE=demo
	@echo "deploy: shows what will change in stage $(STAGE), asks, and changes it; calls in progress are let finish"
	$(TERRAFORM) apply $(VALUES)

destroy: infra-init lambda-package ## destroy a stage on AWS, after a question: make destroy STAGE=demo
	@echo "destroy: shows what stage $(STAGE) consists of, asks, and destroys it, with all records, recordings and images"
	$(TERRAFORM) destroy $(VALUES)

seed: infra-init .venv/.run ## add the demo's records to a stage's tables: make seed STAGE=demo
	@echo "seed: adds the demo's orders and appointments that are missing in stage $(STAGE); nothing is overwritten"
	@region=$$($(TERRAFORM) output -raw aws_region); \
	orders=$$($(TERRAFORM) output -raw orders_table_name); \
	appointments=$$($(TERRAFORM) output -raw appointments_table_name); \
	calls=$$($(TERRAFORM) output -raw calls_table_name); \
	STORE=dynamodb AWS_DEFAULT_REGION="$$region" \
	ORDERS_TABLE="$$orders" APPOINTMENTS_TABLE="$$appointments" CALLS_TABLE="$$calls" $(BIN)/carlos seed

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

.PHONY: infra-init lambda-package plan deploy destroy seed infra-test image-test bench-lambda infra-setup infra-tables infra-settings infra-schema lock-infra
