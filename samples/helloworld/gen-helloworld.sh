#!/bin/sh
# Prints the Service and one Deployment of helloworld whose answers carry this version: gen-helloworld.sh [--version V]
#   [--includeService true|false] [--includeDeployment true|false]
set -eu
version=v1 service=true deployment=true
while [ $# -gt 0 ]; do
  case "$1" in
    --version) version=${2:?--version needs a value} ;;
    --includeService) service=${2:?--includeService needs true or false} ;;
    --includeDeployment) deployment=${2:?--includeDeployment needs true or false} ;;
    *) echo "$0: $1 is unknown; usage: $0 [--version V] [--includeService true|false] [--includeDeployment true|false]" >&2; exit 1 ;;
  esac
  shift 2
done
labels() { printf '%s{app: helloworld, version: %s}\n' "$1" "$version"; }
if [ "$service" = true ]; then
  cat <<END
apiVersion: v1
kind: Service
metadata:
  name: helloworld
  labels: {app: helloworld, service: helloworld}
spec:
  selector: {app: helloworld}
  ports: [{name: http, port: 5000}]
---
END
fi
if [ "$deployment" = true ]; then
  cat <<END
apiVersion: apps/v1
kind: Deployment
metadata:
  name: helloworld-$version
$(labels "  labels: ")
spec:
  replicas: 1
  selector:
$(labels "    matchLabels: ")
  template:
    metadata:
$(labels "      labels: ")
    spec:
      containers:
        - name: helloworld
          image: docker.io/istio/examples-helloworld-v1:1.0
          imagePullPolicy: IfNotPresent
          env: [{name: SERVICE_VERSION, value: "$version"}]
          resources: {requests: {cpu: 100m}}
          ports: [{containerPort: 5000}]
END
fi
