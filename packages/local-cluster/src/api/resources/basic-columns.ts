import { ageOf } from "../read/age.ts";
import type { Column } from "./resource-definition.ts";

export const NAME: Column = {
  name: "Name",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  cell: (object) => object.metadata.name,
};

export const AGE: Column = {
  name: "Age",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.",
  cell: (object, now) => ageOf(object.metadata.creationTimestamp, now),
};

/** What the real server shows for kinds without columns of their own. */
export const CREATED_AT: Column = {
  name: "Created At",
  type: "date",
  cell: (object) => object.metadata.creationTimestamp,
};
