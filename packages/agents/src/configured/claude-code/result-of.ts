import type { Spending } from "@muster/sdk";
import { WorkError } from "../work-error.ts";
import type { ResultMessage } from "./claude-agent-sdk.ts";

/** Characters of an error that are told. */
const shownError = 2_000;
/** What the model's provider says, and whether another attempt can help. */
const passing: Readonly<Record<string, boolean>> = {
  rate_limit: true,
  overloaded: true,
  server_error: true,
  authentication_failed: false,
  oauth_org_not_allowed: false,
  account_on_hold: false,
  verification_required: false,
  billing_error: false,
  invalid_request: false,
  model_not_found: false,
  cloud_credential_error: false,
};

/** What a session has cost, with all models that it used. */
export function spendingOf({ total_cost_usd, modelUsage }: ResultMessage): Required<Spending> {
  let tokens = 0;
  for (const used of Object.values(modelUsage ?? {})) {
    tokens += count(used.inputTokens) + count(used.outputTokens);
    tokens += count(used.cacheReadInputTokens) + count(used.cacheCreationInputTokens);
  }
  return { moneyMicros: Math.ceil(count(total_cost_usd) * 1_000_000), tokens };
}

const count = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;

/** The output of a session that ended well; `modelError` is what its last answer said went wrong. */
export function outputOf(
  result: ResultMessage,
  wantsStructure: boolean,
  mostBytes: number,
  modelError: string | undefined,
): unknown {
  if (result.subtype !== "success" || result.is_error) throw failureOf(result, modelError);
  if (wantsStructure && result.structured_output === undefined) {
    throw new WorkError("invalid_output", "Claude Code gave no output of the shape that the capability has.");
  }
  const output = wantsStructure ? result.structured_output : { text: result.result };
  const bytes = Buffer.byteLength(JSON.stringify(output) ?? "null");
  if (bytes <= mostBytes) return output;
  throw new WorkError("output_too_large", `The output has ${bytes} bytes; ${mostBytes} are allowed.`, {
    retryable: false,
  });
}

function failureOf(result: ResultMessage, modelError: string | undefined): WorkError {
  const said = result.subtype === "success" ? result.result : result.errors.join("; ");
  const tell = (what: string) => `${what}${said === "" ? "" : `: ${said}`}`.slice(0, shownError);
  switch (result.subtype) {
    case "error_max_turns":
      return new WorkError("max_turns", tell(`Claude Code took ${result.num_turns} turns and was not done`), {
        retryable: false,
      });
    case "error_max_budget_usd":
      return new WorkError(
        "max_budget",
        tell(`Claude Code spent ${result.total_cost_usd} USD and was not done`),
        {
          retryable: false,
        },
      );
    case "error_max_structured_output_retries":
      return new WorkError(
        "invalid_output",
        tell("Claude Code gave no output of the shape that the capability has"),
      );
    default: {
      const code = modelError ?? codeOf(result);
      const retryable = passing[code];
      return new WorkError(code, tell("Claude Code failed"), retryable === undefined ? {} : { retryable });
    }
  }
}

function codeOf(result: ResultMessage): string {
  const status = result.subtype === "success" ? result.api_error_status : undefined;
  if (status === 429) return "rate_limit";
  if (status === 401 || status === 403) return "authentication_failed";
  if (status === 529) return "overloaded";
  if (typeof status === "number" && status >= 500) return "server_error";
  return "claude_code_failed";
}
