data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  name = "${var.project_name}-${var.stage}"

  # The server's metrics of this stage alone: what it emits, what scaling follows and what the alarms watch.
  metrics_namespace = "Carlos/${local.name}"
}

module "network" {
  source = "./modules/network"

  name         = local.name
  region       = var.aws_region
  cidr         = var.vpc_cidr
  zones        = var.zones
  nat_gateways = var.nat_gateways
}

# What outlives a release: records, secrets and images.
module "data" {
  source = "./modules/data"

  name                = local.name
  deletion_protection = var.deletion_protection
  billing_mode        = var.dynamodb_billing_mode
  read_capacity       = var.dynamodb_read_capacity
  write_capacity      = var.dynamodb_write_capacity
}

module "recordings" {
  source = "./modules/recordings"

  name                = local.name
  account_id          = data.aws_caller_identity.current.account_id
  keep_days           = tonumber(lookup(var.server_settings, "KEEP_CALLS_DAYS", "90"))
  deletion_protection = var.deletion_protection
}

module "voice" {
  source = "./modules/voice"

  name                = local.name
  region              = var.aws_region
  account_id          = data.aws_caller_identity.current.account_id
  partition           = data.aws_partition.current.partition
  vpc_id              = module.network.vpc_id
  public_subnets      = module.network.public_subnets
  task_subnets        = module.network.task_subnets
  tasks_are_public    = var.nat_gateways == 0
  domain_name         = var.domain_name
  hosted_zone_id      = var.hosted_zone_id
  certificate_arn     = var.certificate_arn
  deletion_protection = var.deletion_protection
  waf_rate_limit      = var.waf_rate_limit

  image              = "${module.data.repository_url}:${var.image_tag}"
  repository_arn     = module.data.repository_arn
  tables             = module.data.tables
  table_policy       = module.data.table_policy
  secrets            = module.data.secrets
  cpu                = var.task_cpu
  memory             = var.task_memory
  min_tasks          = var.min_tasks
  max_tasks          = var.max_tasks
  max_calls          = var.max_calls
  target_calls       = var.target_calls
  metrics_namespace  = local.metrics_namespace
  settings           = var.server_settings
  sonic_model_id     = var.sonic_model_id
  twilio_account_sid = var.twilio_account_sid
  transfer_targets   = var.transfer_targets
  allowed_origins    = var.allowed_origins
  log_level          = var.log_level
  log_retention_days = var.log_retention_days

  sonic_regions        = var.sonic_regions
  sonic_region_streams = var.sonic_region_streams
  sonic_headroom       = var.sonic_headroom
  recordings           = module.recordings.settings
  recordings_policy    = module.recordings.writer_policy
}

module "rest" {
  source = "./modules/rest"

  name               = local.name
  package            = var.api_package
  timeout            = var.lambda_timeout
  memory             = var.lambda_memory_size
  rate_limit         = var.api_rate_limit
  tables             = module.data.tables
  table_policy       = module.data.table_policy
  admin_keys_secret  = module.data.secrets["ADMIN_API_KEYS"]
  settings           = var.server_settings
  recordings         = module.recordings.settings
  recordings_policy  = module.recordings.reader_policy
  allowed_origins    = var.allowed_origins
  log_level          = var.log_level
  log_retention_days = var.log_retention_days
}

module "observability" {
  source = "./modules/observability"

  name              = local.name
  region            = var.aws_region
  metrics_namespace = local.metrics_namespace
  account_id        = data.aws_caller_identity.current.account_id
  partition         = data.aws_partition.current.partition
  alarm_email       = var.alarm_email
  runbook           = var.runbook
  min_tasks         = var.min_tasks
  cluster           = module.voice.cluster
  service           = module.voice.service
  log_group         = module.voice.log_group
  call_group        = module.voice.call_log_group
  load_balancer     = module.voice.load_balancer_suffix
  target_group      = module.voice.target_group_suffix
  tables            = { for key, table in module.data.tables : key => { name = table.name, indexes = module.data.indexes[key] } }
  function          = module.rest.function_name
  api_id            = module.rest.api_id
}
