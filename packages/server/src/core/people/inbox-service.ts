import {
  InboxAnswer,
  InboxClaim,
  InboxDecline,
  InboxDelegation,
  InboxFilter,
  type InboxOutcome,
  InboxRelease,
  limits,
  MusterError,
} from "@muster/sdk/protocol";
import type { Clock } from "../../ports/clock.ts";
import type { Database, Queryable } from "../../ports/database.ts";
import type { Announce } from "../aftermath.ts";
import { createForeignSchemas } from "../discovery/foreign-schemas.ts";
import type { Principal } from "../orchestrator.ts";
import { formatRoute } from "../queue/route.ts";
import { type ItemRow, listItems, readItems } from "../queue/statements/inbox.ts";
import { findPerson, listPeople, type PersonRow } from "../queue/statements/people.ts";
import { isoTimeOrNull } from "../task-view.ts";
import { isUuid, parse, payload } from "../validate.ts";
import { createAutonomyViews } from "./autonomy-views.ts";
import { commitMoves, holdItems } from "./commit-moves.ts";
import { type Actor, actorOf, answerSchema, isLeft, noItem, refuseToAct } from "./inbox-acts.ts";
import { answer, claim, decline, delegate, type ItemMove, release } from "./inbox-moves.ts";
import { itemView } from "./item-view.ts";
import { mayAnswer } from "./may-answer.ts";
import type { InboxService } from "./people-services.ts";

export interface InboxDependencies {
  database: Database;
  clock: Clock;
  announce: Announce;
}

/** What a move is made of. */
interface Scene {
  tx: Queryable;
  item: ItemRow;
  actor: Actor;
  now: number;
  /** Everybody of the tenant. */
  people: PersonRow[];
}

const defaultClaimMs = 3_600_000;

/**
 * The inbox of people. Every act holds the task first: of two that come at the same moment, on whichever nodes, the second
 * sees what the first one did. That the task is ready still is what lets an answer be taken; it is taken once.
 */
export function createInboxService({ database, clock, announce }: InboxDependencies): InboxService {
  const schemas = createForeignSchemas();
  const everybody = (tenant: string, tx: Queryable = database): Promise<PersonRow[]> =>
    tx.query(listPeople, [tenant, limits.peoplePerTenant]);

  async function act(
    taskId: string,
    {
      principal,
      as,
      mayOverride = false,
    }: { principal: Principal; as?: string | undefined; mayOverride?: boolean },
    move: (scene: Scene) => ItemMove | Promise<ItemMove>,
  ): Promise<InboxOutcome> {
    const actor = await actorOf(database, principal, as);
    const now = clock.now();
    const { made, effects } = await database.transaction(async (tx) => {
      const [item] = isUuid(taskId) ? await holdItems(tx, [taskId]) : [];
      if (item === undefined || !isVisible(item, principal)) throw noItem(taskId);
      const people = await everybody(item.tenant, tx);
      if (!isForAnybody(item, people)) throw noItem(taskId);
      refuseToAct(item, actor, now, mayOverride);
      const made = await move({ tx, item, actor, now, people });
      return { made, effects: await commitMoves(tx, [made], now) };
    });
    for (const effect of effects) announce(effect);
    const { claimed_until } = made.item;
    return {
      taskId,
      status: made.end?.status ?? "open",
      by: actor.by,
      claimedUntil: isoTimeOrNull(claimed_until),
    };
  }

  /** Whose inbox a listing is of; null: everything that the key may see. */
  async function viewerOf(principal: Principal, as: string | undefined): Promise<PersonRow | null> {
    if (principal.personId === undefined && as === undefined) return null;
    return (await actorOf(database, principal, as)).person;
  }

  return {
    async list({ limit = 50, after, ...filter }, principal) {
      const { as, runId, parentId } = parse(InboxFilter, filter, "The filter");
      if (after !== undefined && !isUuid(after))
        throw new MusterError("invalid_request", `"${after}" is not an id.`);
      const person = await viewerOf(principal, as);
      const people = await everybody(principal.tenant);
      const most = Math.min(Math.max(1, limit), limits.pageSize);
      const rows = await database.query(listItems, [
        person?.tenant ?? principal.tenant,
        person?.name ?? null,
        person?.skills ?? [],
        plainRoutes(person === null ? people : [person]),
        runId ?? null,
        parentId ?? null,
        after ?? null,
        most + 1,
      ]);
      const items = rows.slice(0, most).map((row) => itemView(row, people));
      return { items, next: rows.length > most ? (items.at(-1)?.taskId ?? null) : null };
    },
    async get(taskId, principal) {
      const [item] = isUuid(taskId) ? await database.query(readItems, [[taskId]]) : [];
      if (item === undefined || !isVisible(item, principal)) throw noItem(taskId);
      const people = await everybody(item.tenant);
      if (!isForAnybody(item, people)) throw noItem(taskId);
      return itemView(item, people);
    },
    claim(taskId, request, principal) {
      const { as, claimMs = defaultClaimMs } = parse(InboxClaim, request, "The claim");
      return act(taskId, { principal, as }, ({ item, actor, now }) => claim(item, actor.by, now + claimMs));
    },
    release(taskId, request, principal) {
      const { as } = parse(InboxRelease, request, "The request");
      return act(taskId, { principal, as, mayOverride: true }, ({ item, actor }) => release(item, actor.by));
    },
    answer(taskId, request, principal) {
      const { as, answer: given } = parse(InboxAnswer, request, "The answer");
      const value = payload(given ?? null, "The answer");
      return act(taskId, { principal, as }, ({ item, actor, now, people }) => {
        const mismatch = schemas.mismatch(answerSchema(item, people) ?? undefined, value);
        if (mismatch === null) return answer(item, actor.by, value, now);
        throw new MusterError("invalid_input", `The answer does not fit: ${mismatch}.`, {
          hint: `See what it has to be with: muster inbox show ${taskId}`,
        });
      });
    },
    decline(taskId, request, principal) {
      const { as, reason } = parse(InboxDecline, request, "The request");
      return act(taskId, { principal, as }, ({ item, actor, people }) =>
        decline(item, actor.by, reason, actor.person !== null && isLeft(item, people, actor.by)),
      );
    },
    delegate(taskId, request, principal) {
      const { as, to } = parse(InboxDelegation, request, "The request");
      return act(taskId, { principal, as }, async ({ tx, item, actor }) => {
        if (to.person !== undefined) await refuseStranger(tx, item.tenant, to.person);
        return delegate(item, actor.by, to);
      });
    },
    ...createAutonomyViews({ database, clock }),
  };
}

const isVisible = (item: ItemRow, { tenant }: Principal): boolean => tenant === "*" || item.tenant === tenant;

/** A question, or a task that somebody could do: not everything that has an id is a matter for people. */
const isForAnybody = (item: ItemRow, people: readonly PersonRow[]): boolean =>
  item.kind !== "task" ||
  item.plain_route !== null ||
  people.some((person) => mayAnswer(item, { ...person, tenant: item.tenant }));

/** Where tasks wait that agents could do as well as these people. */
function plainRoutes(people: readonly PersonRow[]): string[] {
  const routes = new Set<string>();
  for (const { name, skills } of people) {
    routes.add(formatRoute({ capability: null, agent: name, tools: [] }));
    for (const capability of skills)
      for (const agent of [null, name]) routes.add(formatRoute({ capability, agent, tools: [] }));
  }
  return [...routes];
}

async function refuseStranger(tx: Queryable, tenant: string, name: string): Promise<void> {
  const [known] = await tx.query(findPerson, [tenant, null, name]);
  if (known !== undefined) return;
  throw new MusterError("not_found", `There is no person ${name} to give it to.`, {
    hint: "See them with: muster people list",
  });
}
