/** What a ServiceProfile can say, to be filled in. */
export function profileTemplate(service: string, namespace: string, domain: string): string {
  return `### ServiceProfile for ${service}.${namespace} ###
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata:
  name: ${service}.${namespace}.svc.${domain}
  namespace: ${namespace}
spec:
  # Requests are given to the first route whose condition they meet; all others are counted as [DEFAULT].
  routes:
    - name: /authors/{id}
      # method, pathRegex (the whole path, without the query), all, any, not; several together must all hold.
      condition:
        method: POST
        pathRegex: /authors/\\d+
      # By default answers from 500 up and gRPC failures count as failures; the first class that fits decides otherwise.
      responseClasses:
        - condition:
            status:
              min: 500
              max: 599
          isFailure: true
      # Whether a failed request may be sent again, within the budget below.
      isRetryable: false
      # How long a request may take, retries included.
      timeout: 10s
  # Of all requests a fifth more may be retries, and always so many at a time.
  retryBudget:
    retryRatio: 0.2
    minRetriesPerSecond: 10
    ttl: 10s
`;
}
