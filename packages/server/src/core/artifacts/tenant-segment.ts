import type { Ids } from "../../ports/ids.ts";

/**
 * A tenant as a segment of a blob's key. A name of a tenant can hold what no segment may; no name begins with `_`, so
 * hashes are no names.
 */
export const tenantSegment = (tenant: string, ids: Ids): string =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/.test(tenant) ? tenant : `_${ids.fingerprint(tenant)}`;
