# Two tasks in two zones at least, private subnets, WAF, and nothing that holds records can be destroyed.
# Yours to add, in a file of your own or with -var: domain_name, hosted_zone_id or certificate_arn,
# twilio_account_sid, image_tag, allowed_origins and alarm_email.
stage               = "prod"
min_tasks           = 2
max_tasks           = 2 # of ten calls each: the 20 streams of an account; more Regions (sonic_regions) allow more
nat_gateways        = 2
waf_rate_limit      = 1000
deletion_protection = true
log_retention_days  = 90
