// Hot path: once or twice per answer.
import { HEADER_ID, type HeaderList } from "@heddle/wire";

const GRPC_STATUS = HEADER_ID["grpc-status"];

/** Writes down what a head, or the trailers, say of how a call ended. */
export function noteGrpcStatus(record: { grpcStatus: number }, fields: HeaderList): void {
  const status = fields.getId(GRPC_STATUS);
  if (status !== undefined) record.grpcStatus = Number(status);
}
