import { AdmissionControlSchema } from "@heddle/xds-api/envoy/extensions/filters/http/admission_control/v3/admission_control";
import {
  ApiKeyAuthPerRouteSchema,
  ApiKeyAuthSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/api_key_auth/v3/api_key_auth";
import {
  BasicAuthPerRouteSchema,
  BasicAuthSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/basic_auth/v3/basic_auth";
import { CsrfPolicySchema } from "@heddle/xds-api/envoy/extensions/filters/http/csrf/v3/csrf";
import { ConfigSchema as HeaderToMetadataSchema } from "@heddle/xds-api/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata";
import { HealthCheckSchema } from "@heddle/xds-api/envoy/extensions/filters/http/health_check/v3/health_check";
import { IPTaggingSchema } from "@heddle/xds-api/envoy/extensions/filters/http/ip_tagging/v3/ip_tagging";
import { ConfigSchema as SetMetadataSchema } from "@heddle/xds-api/envoy/extensions/filters/http/set_metadata/v3/set_metadata";
import {
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/stateful_session/v3/stateful_session";
import { type AnyTable, messageEntry } from "../any-field.ts";
import { type AdmissionControlConfig, decodeAdmissionControl } from "./admission-control.ts";
import {
  type ApiKeyAuthConfig,
  type ApiKeyAuthRouteConfig,
  decodeApiKeyAuth,
  decodeApiKeyAuthRoute,
} from "./api-key-auth.ts";
import {
  type BasicAuthConfig,
  type BasicAuthRouteConfig,
  decodeBasicAuth,
  decodeBasicAuthRoute,
} from "./basic-auth.ts";
import { type CsrfConfig, decodeCsrf } from "./csrf.ts";
import {
  decodeHeaderToMetadata,
  decodeHeaderToMetadataRoute,
  type HeaderToMetadataConfig,
} from "./header-to-metadata.ts";
import { decodeHealthCheckFilter, type HealthCheckFilterConfig } from "./health-check.ts";
import { decodeIpTagging, type IpTaggingConfig } from "./ip-tagging.ts";
import { decodeSetMetadata, type SetMetadataConfig } from "./set-metadata.ts";
import { decodeStatefulSession, decodeStatefulSessionRoute, type StatefulSessionConfig } from "./stateful-session.ts";

/** Filters that run by their own configuration and the most specific one of the route, which has parts of it or all. */
export type LayeredConfig =
  | AdmissionControlConfig
  | ApiKeyAuthConfig
  | BasicAuthConfig
  | CsrfConfig
  | HeaderToMetadataConfig
  | HealthCheckFilterConfig
  | IpTaggingConfig
  | SetMetadataConfig
  | StatefulSessionConfig;

/** What routes say of them. */
export type LayeredRouteConfig =
  | ApiKeyAuthRouteConfig
  | BasicAuthRouteConfig
  | CsrfConfig
  | HeaderToMetadataConfig
  | SetMetadataConfig
  | StatefulSessionConfig;

export const LAYERED_FILTERS: AnyTable<LayeredConfig> = {
  [AdmissionControlSchema.typeName]: messageEntry(AdmissionControlSchema, decodeAdmissionControl),
  [ApiKeyAuthSchema.typeName]: messageEntry(ApiKeyAuthSchema, decodeApiKeyAuth),
  [BasicAuthSchema.typeName]: messageEntry(BasicAuthSchema, decodeBasicAuth),
  [CsrfPolicySchema.typeName]: messageEntry(CsrfPolicySchema, decodeCsrf),
  [HeaderToMetadataSchema.typeName]: messageEntry(HeaderToMetadataSchema, decodeHeaderToMetadata),
  [HealthCheckSchema.typeName]: messageEntry(HealthCheckSchema, decodeHealthCheckFilter),
  [IPTaggingSchema.typeName]: messageEntry(IPTaggingSchema, decodeIpTagging),
  [SetMetadataSchema.typeName]: messageEntry(SetMetadataSchema, decodeSetMetadata),
  [StatefulSessionSchema.typeName]: messageEntry(StatefulSessionSchema, decodeStatefulSession),
};

export const LAYERED_ROUTES: AnyTable<LayeredRouteConfig> = {
  [ApiKeyAuthPerRouteSchema.typeName]: messageEntry(ApiKeyAuthPerRouteSchema, decodeApiKeyAuthRoute),
  [BasicAuthPerRouteSchema.typeName]: messageEntry(BasicAuthPerRouteSchema, decodeBasicAuthRoute),
  [CsrfPolicySchema.typeName]: messageEntry(CsrfPolicySchema, decodeCsrf),
  [HeaderToMetadataSchema.typeName]: messageEntry(HeaderToMetadataSchema, decodeHeaderToMetadataRoute),
  [SetMetadataSchema.typeName]: messageEntry(SetMetadataSchema, decodeSetMetadata),
  [StatefulSessionPerRouteSchema.typeName]: messageEntry(StatefulSessionPerRouteSchema, decodeStatefulSessionRoute),
};
