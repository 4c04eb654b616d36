import Type, { type Static } from "typebox";
import { defineTool } from "../define-tool.ts";
import type { Tool } from "../tool.ts";

const Todo = Type.Object({
  content: Type.String({ minLength: 1, maxLength: 2_000 }),
  status: Type.Enum(["pending", "in_progress", "completed"]),
  activeForm: Type.Optional(
    Type.String({ maxLength: 2_000, description: "What is said while it is in progress." }),
  ),
  id: Type.Optional(Type.String({ maxLength: 200 })),
  priority: Type.Optional(Type.String({ maxLength: 200 })),
});
export type Todo = Static<typeof Todo>;

const marks: Record<Todo["status"], string> = { pending: "[ ]", in_progress: "[>]", completed: "[x]" };

/** The tool by which a model keeps a list of what it has to do. The list is told to `onTodos` and shown to the model. */
export const createTodoWriteTool = (onTodos: (todos: readonly Todo[]) => void = () => undefined): Tool =>
  defineTool({
    name: "TodoWrite",
    description:
      "Keeps your list of things to do. Give the whole list each time; have one item in progress, and mark it completed as soon as it is.",
    input: Type.Object({ todos: Type.Array(Todo, { maxItems: 100 }) }),
    isParallel: false,
    isRepeatable: true,
    run: async ({ todos }) => {
      onTodos(todos);
      if (todos.length === 0) return { content: "The list is empty now." };
      return { content: todos.map(({ content, status }) => `${marks[status]} ${content}`).join("\n") };
    },
  });
