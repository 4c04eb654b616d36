import type { Calls } from "./create-client.ts";
import type { InboxClient, PeopleClient } from "./inbox-client.ts";
import { itemsOf } from "./items-of.ts";
import { pathOf } from "./path-of.ts";

/** People and their inbox over HTTP. What acts is not repeated once somebody may have seen it. */
export const createHttpInbox = ({
  get,
  post,
  postSafely,
  remove,
}: Calls): { people: PeopleClient; inbox: InboxClient } => ({
  people: {
    put: (person) => postSafely("/v1/people", person),
    list: () => itemsOf(get("/v1/people")),
    get: (person) => get(pathOf("people", person)),
    remove: (person) => remove(pathOf("people", person)),
  },
  inbox: {
    list: (filter = {}) => get("/v1/inbox", { ...filter }),
    get: (taskId) => get(pathOf("inbox", taskId)),
    claim: (taskId, request = {}) => postSafely(`${pathOf("inbox", taskId)}/claim`, request),
    release: (taskId, request = {}) => postSafely(`${pathOf("inbox", taskId)}/release`, request),
    answer: (taskId, request) => post(`${pathOf("inbox", taskId)}/answer`, request),
    decline: (taskId, request = {}) => post(`${pathOf("inbox", taskId)}/decline`, request),
    delegate: (taskId, request) => post(`${pathOf("inbox", taskId)}/delegate`, request),
    share: (options = {}) => get("/v1/autonomy", { ...options }),
    history: (filter = {}) => get("/v1/autonomy/history", { ...filter }),
  },
});
