import { MusterError } from "@muster/sdk/protocol";
import { isConnectionLost } from "../pg/pg-errors.ts";

/** Why no connection could be made. */
export interface Refusal {
  error: MusterError;
  /** True where time may heal it: a server that starts, a network that is cut. A wrong password stays wrong. */
  passing: boolean;
}

const tlsCodes = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/;

/** Says in words why a server refused, by the code of the network, of TLS or of PostgreSQL. */
export function describeRefusal(error: unknown, shown: string): Refusal {
  if (error instanceof MusterError) return { error, passing: error.code === "unavailable" };
  const { code, message } = error as { code?: string; message: string };
  const refuse = (reason: string, hint: string, passing = false): Refusal => ({
    error: new MusterError("unavailable", `PostgreSQL at ${shown} ${reason}`, { hint, cause: error }),
    passing,
  });
  if (code === "28P01" || code === "28000") return refusedLogin(refuse, message);
  if (code === "3D000")
    return refuse("has no such database.", `Create it first: createdb, or: create database …`);
  if (code === "53300")
    return refuse(
      "has no connection left.",
      "Raise its max_connections, or let each node take fewer of them.",
      true,
    );
  if (tlsCodes.test(code ?? ""))
    return refuse(
      `shows a certificate that is not trusted: ${message}`,
      "Name the authority that signed it with sslrootcert=/path/ca.pem, or use the host name that it was made for.",
    );
  if (message === "The server does not support SSL connections")
    return refuse("offers no TLS.", "Switch TLS on there, or take sslmode out of DATABASE_URL.");
  if (message.startsWith("timeout exceeded when trying to connect"))
    return refuse("is busy: no connection became free in time.", "Try again in a moment.");
  if (isConnectionLost(error))
    return refuse(
      `could not be reached: ${message || code}`,
      "Check the address, and that the server is running and lets this machine in.",
      true,
    );
  return refuse(`refused the connection: ${message}`, "See the server's log.");
}

function refusedLogin(refuse: (reason: string, hint: string) => Refusal, message: string): Refusal {
  if (message.includes("no encryption"))
    return refuse(
      "wants TLS.",
      "Add ?sslmode=verify-full to DATABASE_URL, and sslrootcert=/path/ca.pem where needed.",
    );
  return refuse(
    `refused the login: ${message}.`,
    "Check user and password in DATABASE_URL, and the server's pg_hba.conf.",
  );
}
