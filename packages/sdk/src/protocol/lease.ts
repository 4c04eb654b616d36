import Type from "typebox";

/** What proves with every report that an attempt is the live one. */
export const leaseProof = {
  taskId: Type.String({ format: "uuid" }),
  leaseToken: Type.String({ format: "uuid" }),
};
