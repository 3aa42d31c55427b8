export { assignLoadBalancers } from "./load-balancer.ts";
export type { Endpoint, EndpointSlice, Service, ServicePort } from "./service.ts";
export { createServiceCatalogue, type ServiceCatalogue } from "./service-catalogue.ts";
export { createServiceProxy, type NodePortUse, type ServiceProxy } from "./service-proxy.ts";
