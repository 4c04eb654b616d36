import Type from "typebox";
import { limits } from "./limits.ts";

export const Name = Type.String({
  minLength: 1,
  maxLength: limits.nameLength,
  pattern: "^[A-Za-z0-9][A-Za-z0-9._:/-]*$",
  description: "Letters, digits and . _ : / - ; starts with a letter or a digit.",
});
