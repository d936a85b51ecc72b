output "url" {
  description = "Base of the API."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "api_id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "function_name" {
  description = "The Lambda."
  value       = aws_lambda_function.api.function_name
}

output "role_arn" {
  description = "Role of the Lambda."
  value       = aws_iam_role.function.arn
}
