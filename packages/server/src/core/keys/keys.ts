import type { Principal, Role } from "../orchestrator.ts";

/** A key as it is shown: without itself. */
export interface ApiKey {
  id: string;
  name: string;
  role: Role;
  tenant: string;
  createdAt: string;
  revokedAt: string | null;
  /** Left out where it is no person's. */
  personId?: string;
}

export interface KeyService {
  /** Null for a key that is unknown or revoked. Keys are kept as hashes. */
  authenticate(key: string): Promise<Principal | null>;
  /** For a person, by name, it acts in the inbox as that one. The key itself is in this answer and nowhere else. */
  create(
    request: { name: string; role: Role; tenant: string; person?: string },
    principal: Principal,
  ): Promise<ApiKey & { key: string }>;
  list(principal: Principal): Promise<ApiKey[]>;
  revoke(id: string, principal: Principal): Promise<ApiKey>;
  /** Creates the first admin key where there is none; null where there is one already. */
  bootstrap(): Promise<string | null>;
}
