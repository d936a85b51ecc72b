# Small and cheap: one task of one vCPU, no NAT gateway, no WAF, and it can be destroyed.
# Yours to add, in a file of your own or with -var: domain_name, hosted_zone_id or certificate_arn,
# twilio_account_sid and image_tag.
stage               = "demo"
min_tasks           = 1
max_tasks           = 2 # of ten calls each: the 20 streams that an account may open to Sonic
nat_gateways        = 0
waf_rate_limit      = 0
deletion_protection = false
log_retention_days  = 7
