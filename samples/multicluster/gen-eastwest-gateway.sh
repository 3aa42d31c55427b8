#!/bin/sh
# Prints the operator's file of an east-west gateway: gen-eastwest-gateway.sh --network network1 | istioctl install -y -f -
set -eu
network=""
while [ $# -gt 0 ]; do
  case "$1" in
    --network) network="${2:?--network needs a name}"; shift 2 ;;
    --mesh | --cluster | --revision) shift 2 ;;
    --single-cluster) shift ;;
    *) echo "usage: $0 --network NAME" >&2; exit 2 ;;
  esac
done
[ -n "$network" ] || { echo "usage: $0 --network NAME" >&2; exit 2; }
cat <<END
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata:
  name: eastwest
spec:
  profile: empty
  components:
    ingressGateways:
      - name: istio-eastwestgateway
        label:
          istio: eastwestgateway
          app: istio-eastwestgateway
          topology.istio.io/network: $network
        enabled: true
        k8s:
          env:
            - name: ISTIO_META_REQUESTED_NETWORK_VIEW
              value: $network
          service:
            ports:
              - name: status-port
                port: 15021
                targetPort: 15021
              - name: tls
                port: 15443
                targetPort: 15443
              - name: tls-istiod
                port: 15012
                targetPort: 15012
              - name: tls-webhook
                port: 15017
                targetPort: 15017
  values:
    gateways:
      istio-ingressgateway:
        injectionTemplate: gateway
    global:
      network: $network
END
