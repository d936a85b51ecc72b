# How a call comes in: TLS at the load balancer, plain HTTP to the tasks, which nobody else can reach.

resource "aws_security_group" "entrance" {
  name        = "${var.name}-entrance"
  description = "Twilio and browsers to the load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "entrance" {
  for_each = { https = 443, http = 80 }

  security_group_id = aws_security_group.entrance.id
  description       = "${each.key} from everywhere: Twilio's media servers have no fixed addresses"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "entrance" {
  security_group_id            = aws_security_group.entrance.id
  description                  = "to the tasks only"
  referenced_security_group_id = aws_security_group.task.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "Load balancer to the tasks"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "task" {
  security_group_id            = aws_security_group.task.id
  description                  = "from the load balancer only"
  referenced_security_group_id = aws_security_group.entrance.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_egress_rule" "task" {
  security_group_id = aws_security_group.task.id
  description       = "Bedrock, Twilio's REST API, Secrets Manager, CloudWatch"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  subnets                    = var.public_subnets
  security_groups            = [aws_security_group.entrance.id]
  idle_timeout               = 300 # a media stream sends 50 frames a second; browsers may be quiet
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
}

resource "aws_lb_target_group" "server" {
  name                          = var.name
  vpc_id                        = var.vpc_id
  target_type                   = "ip"
  protocol                      = "HTTP"
  port                          = local.port
  load_balancing_algorithm_type = "least_outstanding_requests" # an open call counts as one

  # ECS sends SIGTERM only when the load balancer has let the task go: this is how long calls may go on.
  deregistration_delay = "3600"

  health_check {
    path                = "/ready"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = local.makes_certificate ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.server.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

# --- name and certificate, where the zone is in Route 53 ----------------------------------------------------

locals {
  makes_certificate = var.hosted_zone_id != ""
  validation        = [for certificate in aws_acm_certificate.this : tolist(certificate.domain_validation_options)[0]]
}

resource "aws_acm_certificate" "this" {
  count = local.makes_certificate ? 1 : 0

  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  count = local.makes_certificate ? 1 : 0

  zone_id         = var.hosted_zone_id
  name            = local.validation[0].resource_record_name
  type            = local.validation[0].resource_record_type
  records         = [local.validation[0].resource_record_value]
  ttl             = 60
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count = local.makes_certificate ? 1 : 0

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [aws_route53_record.validation[0].fqdn]
}

resource "aws_route53_record" "entrance" {
  count = local.makes_certificate ? 1 : 0

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}

# --- WAF, as an option --------------------------------------------------------------------------------------

resource "aws_wafv2_web_acl" "this" {
  count = var.waf_rate_limit > 0 ? 1 : 0

  name  = var.name
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  # In the API's own form: the offline schema knows no blocks for statements.
  rule_json = jsonencode([
    {
      Name     = "rate"
      Priority = 1
      Action   = { Block = {} }
      Statement = {
        RateBasedStatement = {
          Limit            = var.waf_rate_limit
          AggregateKeyType = "IP"
          # Twilio's webhooks come from few addresses, and each one is signed.
          ScopeDownStatement = {
            NotStatement = {
              Statement = {
                ByteMatchStatement = {
                  SearchString         = "/twilio/"
                  PositionalConstraint = "STARTS_WITH"
                  FieldToMatch         = { UriPath = {} }
                  TextTransformations  = [{ Priority = 0, Type = "NONE" }]
                }
              }
            }
          }
        }
      }
      VisibilityConfig = {
        CloudWatchMetricsEnabled = true
        MetricName               = "${var.name}-rate"
        SampledRequestsEnabled   = false
      }
    },
    {
      Name           = "known-bad-inputs"
      Priority       = 2
      OverrideAction = { None = {} }
      Statement = {
        ManagedRuleGroupStatement = {
          VendorName = "AWS"
          Name       = "AWSManagedRulesKnownBadInputsRuleSet"
        }
      }
      VisibilityConfig = {
        CloudWatchMetricsEnabled = true
        MetricName               = "${var.name}-known-bad-inputs"
        SampledRequestsEnabled   = false
      }
    },
  ])

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = false
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count = var.waf_rate_limit > 0 ? 1 : 0

  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
}
