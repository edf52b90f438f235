#!/bin/sh
unset ZEEBE_CLIENT_SECRET CAMUNDA_TOKEN_AUDIENCE
export CAMUNDA_GRPC_ADDRESS="grpcs://zeebe.example.com"
export CAMUNDA_REST_ADDRESS="http://orchestration.example.com:8080"
export CAMUNDA_CLIENT_ID="5f0d6f3e-0000-4000-8000-5a5a5a5a5a5a"
export CAMUNDA_CLIENT_SECRET="Sample~Entra-not.real"
export CAMUNDA_AUTHORIZATION_SERVER_URL="https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/oauth2/v2.0/token"
export CAMUNDA_TOKEN_AUDIENCE="5f0d6f3e-0000-4000-8000-5a5a5a5a5a5a"
export CAMUNDA_TOKEN_SCOPE="5f0d6f3e-0000-4000-8000-5a5a5a5a5a5a/.default"
