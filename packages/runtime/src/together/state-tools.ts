import { limits, type StateDocument, type StateDocuments } from "@muster/sdk";
import { objectOf, type TeamTool, text } from "./team-tool.ts";

const path = text("The path of the document, for example plans/release.", limits.statePathLength);
const listed = 200;

interface Write {
  path: string;
  content: unknown;
  ifVersion?: number;
}

/** Documents that all agents of a project read and write. */
export const stateTools = (documents: StateDocuments): TeamTool[] => [
  {
    name: "share_state",
    description:
      "Writes a document that all agents share, such as a plan or findings. With ifVersion it is refused where somebody else wrote since you read that version; 0 means that it must not exist yet.",
    inputSchema: objectOf(
      {
        path,
        content: { description: "The whole new content, any JSON." },
        ifVersion: { type: "integer", minimum: 0, description: "The version that you read." },
      },
      ["path", "content"],
    ),
    nature: "once",
    async run({ path: where, content, ifVersion }: Write) {
      const { version } = await documents.put(where, content, ifVersion === undefined ? {} : { ifVersion });
      return { path: where, version };
    },
  },
  {
    name: "read_state",
    description: "Reads a document that all agents share; without a path it lists which there are.",
    inputSchema: objectOf({ path }),
    nature: "parallel",
    async run({ path: where }: { path?: string }) {
      if (where !== undefined) return told(where, await documents.get(where));
      const { items } = await documents.list({ limit: listed });
      return items.map(({ path: each, version }) => ({ path: each, version }));
    },
  },
];

const told = (path: string, document: StateDocument | null) =>
  document === null
    ? `There is no document ${path}.`
    : { path, version: document.version, content: document.content };
