import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "@muster/sdk";
import { WorkError } from "./work-error.ts";

/**
 * Finds the address of a host, and refuses private ones unless they are allowed. It is asked by the connection itself, so
 * a name can't change its address between the look and the use. An address or `localhost` in the file
 * itself is allowed by that: nobody wrote it by accident.
 */
export function guardedLookup(privateAllowed: boolean): LookupFunction {
  return (host, options, callback) => {
    lookup(host, options, (error, address, family) => {
      const found: LookupAddress[] = Array.isArray(address)
        ? address
        : [{ address: String(address), family: 4 }];
      const allowed = privateAllowed || host === "localhost" || isIP(host) !== 0;
      if (error === null && !allowed && !found.every((one) => isPublicAddress(one.address))) {
        const message = `${host} is at a private address; "privateAddresses: true" allows that.`;
        callback(new WorkError("private_address", message, { retryable: false }), "", 4);
      } else callback(error, address as string, family);
    });
  };
}
