# --- what a deployment is called ---------------------------------------------------------------------------

variable "aws_region" {
  description = "AWS Region of everything. The chosen Nova Sonic model must be offered in it."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must look like us-east-1."
  }
}

variable "project_name" {
  description = "First part of every name: <project_name>-<stage>."
  type        = string
  default     = "nova-sonic-server-app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}[a-z0-9]$", var.project_name))
    error_message = "project_name must be 4 to 21 lower-case letters, digits and hyphens, and begin with a letter: a load balancer has 32 for its whole name."
  }
}

variable "stage" {
  description = "Second part of every name. There are values for demo and prod in <stage>.tfvars."
  type        = string
  default     = "demo"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.stage))
    error_message = "stage must be 2 to 10 lower-case letters and digits, and begin with a letter."
  }
}

# --- where callers reach it --------------------------------------------------------------------------------

variable "domain_name" {
  description = "Host name that Twilio and browsers call, e.g. carlos.example.com. PUBLIC_BASE_URL is https:// and this."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name must be a host name without https:// and without a path."
  }
}

variable "hosted_zone_id" {
  description = "Route 53 zone of domain_name: Terraform then makes the certificate and the DNS record. Empty if DNS is elsewhere."
  type        = string
  default     = ""

  validation {
    condition     = var.hosted_zone_id == "" || can(regex("^Z[A-Z0-9]+$", var.hosted_zone_id))
    error_message = "hosted_zone_id must be a zone's id, such as Z0123456789ABC."
  }
}

variable "certificate_arn" {
  description = "ARN of an issued ACM certificate for domain_name, needed where hosted_zone_id is empty."
  type        = string
  default     = ""

  validation {
    condition     = var.certificate_arn == "" || can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of an ACM certificate."
  }

  validation {
    condition     = (var.certificate_arn == "") != (var.hosted_zone_id == "")
    error_message = "Set either hosted_zone_id (Terraform makes the certificate) or certificate_arn (you did), not both."
  }
}

variable "allowed_origins" {
  description = "Origins whose pages may open the browser line and call the REST API."
  type        = list(string)
  default     = ["http://localhost:3000"]

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https?://[^/*]+$", origin))])
    error_message = "Each origin must be http(s)://host[:port] with no path and no wildcard."
  }
}

# --- Carlos ------------------------------------------------------------------------------------------------

variable "image_tag" {
  description = "Tag of the server image in the stage's repository. Tags cannot be overwritten: a release is a new tag."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag must be a tag of its own for each release, not \"latest\"."
  }
}

variable "sonic_model_id" {
  description = "The one Bedrock model that the server may invoke."
  type        = string
  default     = "amazon.nova-2-5-sonic"

  validation {
    condition     = can(regex("^amazon\\.nova-[a-z0-9:.-]*sonic[a-z0-9:.-]*$", var.sonic_model_id))
    error_message = "sonic_model_id must be a Nova Sonic model, such as amazon.nova-2-5-sonic."
  }
}

variable "sonic_regions" {
  description = "Regions in which streams to Sonic are opened, the preferred one first; empty for aws_region alone. The model must be offered in each."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for region in var.sonic_regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))]) && length(distinct(var.sonic_regions)) == length(var.sonic_regions)
    error_message = "sonic_regions must be different Regions, such as [\"us-east-1\", \"us-west-2\"]."
  }
}

variable "sonic_headroom" {
  description = "Streams of each Region that no new call gets: one that goes on takes a second one for a moment. Less than each Region has."
  type        = number
  default     = 2

  validation {
    condition     = var.sonic_headroom >= 0 && floor(var.sonic_headroom) == var.sonic_headroom
    error_message = "sonic_headroom must be a whole number from 0."
  }
}

variable "sonic_region_streams" {
  description = "Concurrent streams to Sonic that the account may open in a Region, where that is not AWS's 20: { us-east-1 = 40 }. Service Quotas says how many."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for streams in values(var.sonic_region_streams) : streams >= 1 && floor(streams) == streams])
    error_message = "sonic_region_streams must be whole numbers from 1."
  }

  validation {
    condition     = length(setsubtract(keys(var.sonic_region_streams), length(var.sonic_regions) > 0 ? var.sonic_regions : [var.aws_region])) == 0
    error_message = "sonic_region_streams must name Regions of sonic_regions, or aws_region where that is empty."
  }
}

variable "twilio_account_sid" {
  description = "Twilio account; no secret. Its auth token goes into Secrets Manager, never into a variable."
  type        = string

  validation {
    condition     = can(regex("^AC[0-9a-f]{32}$", var.twilio_account_sid))
    error_message = "twilio_account_sid must be AC and 32 hexadecimal digits."
  }
}

variable "transfer_targets" {
  description = "People that a call may be passed on to: address|reasons|hours each, with ; between them. The server reads reasons and hours."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^((\\+[1-9][0-9]{6,14}|sips?:[^|]+)(\\|[^|]+\\|[^|]+)+)?$", var.transfer_targets))
    error_message = "transfer_targets must be like +541150310001|*|24h, with ; between people."
  }
}

variable "log_level" {
  description = "LOGLEVEL of the server and of the Lambda."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "server_settings" {
  description = "Further settings of the server by their names in docs/settings.md, such as { BROWSER_IDLE_S = \"120\" }. The Lambda gets those that REST reads."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.server_settings) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !startswith(name, "AWS_")])
    error_message = "server_settings must be named in capitals, such as SONIC_VOICE; credentials come from the task's role."
  }

  validation {
    condition     = length(setintersection(keys(var.server_settings), ["TWILIO_AUTH_TOKEN", "ADMIN_API_KEYS"])) == 0
    error_message = "server_settings must hold no secret: TWILIO_AUTH_TOKEN and ADMIN_API_KEYS belong into Secrets Manager."
  }

  validation {
    condition     = length(setintersection(keys(var.server_settings), ["SONIC_REGIONS", "SONIC_REGION_STREAMS", "SONIC_HEADROOM"])) == 0
    error_message = "SONIC_REGIONS, SONIC_REGION_STREAMS and SONIC_HEADROOM are the variables sonic_regions, sonic_region_streams and sonic_headroom: permissions and limits depend on them."
  }

  validation {
    condition     = can(regex("^[1-9][0-9]{0,3}$", lookup(var.server_settings, "KEEP_CALLS_DAYS", "90")))
    error_message = "KEEP_CALLS_DAYS must be whole days, from 1: recordings are kept as long."
  }
}

# --- size and cost: docs/costs.md ---------------------------------------------------------------------------

variable "task_cpu" {
  description = "CPU units of a task; 1024 is one vCPU. One process uses little more than one."
  type        = number
  default     = 1024

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.task_cpu)
    error_message = "task_cpu must be a size that Fargate offers: 256, 512, 1024, 2048 or 4096."
  }
}

variable "task_memory" {
  description = "Memory of a task in MiB; Fargate allows 2 to 8 times task_cpu."
  type        = number
  default     = 2048

  validation {
    condition     = var.task_memory >= 2 * var.task_cpu && var.task_memory <= 8 * var.task_cpu && var.task_memory % 1024 == 0
    error_message = "task_memory must be whole GiB, from 2 to 8 times task_cpu."
  }
}

variable "min_tasks" {
  description = "Tasks that always run. Two or more keep answering when one dies or a zone fails."
  type        = number
  default     = 1

  validation {
    condition     = var.min_tasks >= 1 && var.min_tasks <= 100 && floor(var.min_tasks) == var.min_tasks
    error_message = "min_tasks must be a whole number from 1 to 100."
  }
}

variable "max_tasks" {
  description = "Upper limit of tasks, and so of the bill. All their places together may not be more than there are streams to Sonic."
  type        = number
  default     = 2

  validation {
    condition     = var.max_tasks >= var.min_tasks && var.max_tasks <= 100 && floor(var.max_tasks) == var.max_tasks
    error_message = "max_tasks must be a whole number from min_tasks to 100."
  }
}

variable "max_calls" {
  description = "MAX_CALLS: live calls that one task takes before it plays the busy message."
  type        = number
  default     = 10

  validation {
    condition     = var.max_calls >= 1 && var.max_calls <= 500
    error_message = "max_calls must be from 1 to 500. Bedrock's quota of streams per account is a limit too."
  }
}

variable "target_calls" {
  description = "Average of live calls per task that scaling aims at; well below max_calls, as a new task needs a minute or two."
  type        = number
  default     = 8

  validation {
    condition     = var.target_calls >= 1 && var.target_calls < var.max_calls
    error_message = "target_calls must be at least 1 and less than max_calls."
  }
}

variable "nat_gateways" {
  description = "0: tasks have public addresses and a closed security group. 1 or 2: tasks are in private subnets behind so many NAT gateways, which cost by the hour."
  type        = number
  default     = 0

  validation {
    condition     = contains([0, 1, 2], var.nat_gateways)
    error_message = "nat_gateways must be 0, 1 or 2."
  }
}

variable "zones" {
  description = "Letters of the two availability zones; named, so that a zone that AWS adds moves nothing."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zones)) == 2 && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "zones must be two different letters, such as [\"a\", \"b\"]."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC; cut into four subnets."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.vpc_cidr)[1]), 99) <= 22
    error_message = "vpc_cidr must be an IPv4 block from /16 to /22."
  }
}

variable "waf_rate_limit" {
  description = "Requests per address in five minutes on every path but Twilio's webhooks; 0 for no WAF, which costs by the month."
  type        = number
  default     = 0

  validation {
    condition     = var.waf_rate_limit == 0 || (var.waf_rate_limit >= 10 && var.waf_rate_limit <= 2000000000)
    error_message = "waf_rate_limit must be 0 (none) or at least 10."
  }
}

# --- REST API ----------------------------------------------------------------------------------------------

variable "api_package" {
  description = "Zip with the Lambda's code; infra/package-api makes it."
  type        = string
  default     = "../build/api.zip"

  validation {
    condition     = endswith(var.api_package, ".zip") && fileexists(var.api_package)
    error_message = "api_package must name an existing .zip: run infra/package-api first."
  }
}

variable "lambda_timeout" {
  description = "Seconds that one REST request may take; API Gateway waits for 30 at most."
  type        = number
  default     = 30

  validation {
    condition     = var.lambda_timeout >= 3 && var.lambda_timeout <= 30
    error_message = "lambda_timeout must be from 3 to 30 seconds."
  }
}

variable "lambda_memory_size" {
  description = "MiB of the Lambda. CPU grows with it: Python needs about a second of one vCPU to start, which 128 MiB would stretch."
  type        = number
  default     = 1024

  validation {
    condition     = var.lambda_memory_size >= 128 && var.lambda_memory_size <= 10240
    error_message = "lambda_memory_size must be from 128 to 10240."
  }
}

variable "api_rate_limit" {
  description = "REST requests per second, all callers together."
  type        = number
  default     = 50

  validation {
    condition     = var.api_rate_limit >= 1 && var.api_rate_limit <= 10000
    error_message = "api_rate_limit must be from 1 to 10000."
  }
}

# --- records ---------------------------------------------------------------------------------------------------

variable "dynamodb_billing_mode" {
  description = "PAY_PER_REQUEST: by what is read and written. PROVISIONED: by the hour, for a load that is even and known."
  type        = string
  default     = "PAY_PER_REQUEST"

  validation {
    condition     = contains(["PAY_PER_REQUEST", "PROVISIONED"], var.dynamodb_billing_mode)
    error_message = "dynamodb_billing_mode must be PAY_PER_REQUEST or PROVISIONED."
  }
}

variable "dynamodb_read_capacity" {
  description = "Read units a second of each table and of each index, where PROVISIONED. What goes beyond is throttled."
  type        = number
  default     = 5

  validation {
    condition     = var.dynamodb_read_capacity >= 1 && floor(var.dynamodb_read_capacity) == var.dynamodb_read_capacity
    error_message = "dynamodb_read_capacity must be a whole number from 1."
  }
}

variable "dynamodb_write_capacity" {
  description = "Write units a second of each table and of each index, where PROVISIONED. What goes beyond is throttled."
  type        = number
  default     = 5

  validation {
    condition     = var.dynamodb_write_capacity >= 1 && floor(var.dynamodb_write_capacity) == var.dynamodb_write_capacity
    error_message = "dynamodb_write_capacity must be a whole number from 1."
  }
}

# --- safety ------------------------------------------------------------------------------------------------

variable "deletion_protection" {
  description = "Refuse to destroy tables and load balancer. Off only for a stage whose records nobody needs."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps logs."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 400], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch offers, such as 7, 30, 90 or 365."
  }
}

variable "alarm_email" {
  description = "Address that alarms go to (AWS asks it to confirm). Empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address."
  }
}

variable "runbook" {
  description = "Address of docs/runbook.md as the people read it whom alarms wake; each alarm's text ends with it and #<name>."
  type        = string
  default     = "docs/runbook.md"

  validation {
    condition     = can(regex("^[^# ]+$", var.runbook)) && length(var.runbook) <= 400
    error_message = "runbook must be an address or a path of at most 400 characters, with neither spaces nor a #."
  }
}
