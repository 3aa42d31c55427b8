import {
  ApplicationProtocolInputSchema,
  DestinationIPInputSchema,
  DestinationPortInputSchema,
  DirectSourceIPInputSchema,
  ServerNameInputSchema,
  SourceIPInputSchema,
  SourcePortInputSchema,
  SourceTypeInputSchema,
  TransportProtocolInputSchema,
} from "@heddle/xds-api/envoy/extensions/matching/common_inputs/network/v3/network_inputs";
import {
  DnsSanInputSchema,
  SubjectInputSchema,
  UriSanInputSchema,
} from "@heddle/xds-api/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs";
import {
  HttpRequestHeaderMatchInputSchema,
  HttpRequestQueryParamMatchInputSchema,
} from "@heddle/xds-api/envoy/type/matcher/v3/http_inputs";
import { type AnyTable, messageEntry } from "../any-field.ts";
import type { MatchInput } from "./match-tree.ts";

const ADDRESSES: AnyTable<MatchInput> = {
  [DestinationIPInputSchema.typeName]: messageEntry(DestinationIPInputSchema, () => ({ kind: "destination-ip" })),
  [DestinationPortInputSchema.typeName]: messageEntry(DestinationPortInputSchema, () => ({ kind: "destination-port" })),
  [SourceIPInputSchema.typeName]: messageEntry(SourceIPInputSchema, () => ({ kind: "source-ip" })),
  [SourcePortInputSchema.typeName]: messageEntry(SourcePortInputSchema, () => ({ kind: "source-port" })),
  [DirectSourceIPInputSchema.typeName]: messageEntry(DirectSourceIPInputSchema, () => ({ kind: "direct-source-ip" })),
  [ServerNameInputSchema.typeName]: messageEntry(ServerNameInputSchema, () => ({ kind: "server-name" })),
};
const SOURCE_TYPE: AnyTable<MatchInput> = {
  [SourceTypeInputSchema.typeName]: messageEntry(SourceTypeInputSchema, () => ({ kind: "source-type" })),
};
const CERTIFICATES: AnyTable<MatchInput> = {
  [UriSanInputSchema.typeName]: messageEntry(UriSanInputSchema, () => ({ kind: "uri-san" })),
  [DnsSanInputSchema.typeName]: messageEntry(DnsSanInputSchema, () => ({ kind: "dns-san" })),
  [SubjectInputSchema.typeName]: messageEntry(SubjectInputSchema, () => ({ kind: "subject" })),
};
const REQUESTS: AnyTable<MatchInput> = {
  [HttpRequestHeaderMatchInputSchema.typeName]: messageEntry(
    HttpRequestHeaderMatchInputSchema,
    ({ headerName }, scope) => {
      if (headerName === "") scope.field("header_name").problem("the name of a header is needed");
      return { kind: "header", name: headerName.toLowerCase() };
    },
  ),
  [HttpRequestQueryParamMatchInputSchema.typeName]: messageEntry(
    HttpRequestQueryParamMatchInputSchema,
    ({ queryParam }, scope) => {
      if (queryParam === "") scope.field("query_param").problem("the name of a query parameter is needed");
      return { kind: "query", name: queryParam };
    },
  ),
};

/** Of a listener that chooses a filter chain: nobody has read a certificate or request yet. */
export const CHAIN_INPUTS: AnyTable<MatchInput> = {
  ...ADDRESSES,
  ...SOURCE_TYPE,
  [TransportProtocolInputSchema.typeName]: messageEntry(TransportProtocolInputSchema, () => ({
    kind: "transport-protocol",
  })),
  [ApplicationProtocolInputSchema.typeName]: messageEntry(ApplicationProtocolInputSchema, () => ({
    kind: "application-protocol",
  })),
};
/** Of connections, before their first request. */
export const CONNECTION_INPUTS: AnyTable<MatchInput> = { ...ADDRESSES, ...SOURCE_TYPE, ...CERTIFICATES };
/** Of requests before anything else is known of them. */
export const ROUTE_INPUTS: AnyTable<MatchInput> = REQUESTS;
/** Of requests, and of the connection below. */
export const REQUEST_INPUTS: AnyTable<MatchInput> = { ...CONNECTION_INPUTS, ...REQUESTS };
