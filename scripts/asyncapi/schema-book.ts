export interface Reference {
  $ref: string;
}

/**
 * Schemas by name, for a document that refers to them. A schema inside another that has a name of its own becomes a
 * reference, so that each is said once.
 */
export function createSchemaBook() {
  const book = new Map<string, unknown>();
  const refer = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });

  function add(schema: object): Reference {
    const { $id } = schema as { $id?: string };
    if ($id === undefined) throw new Error("A schema without a name can't be referred to.");
    return addAs($id, schema);
  }

  function addAs(name: string, schema: object): Reference {
    if (!book.has(name)) {
      book.set(name, null);
      const { $id: _, ...body } = JSON.parse(JSON.stringify(schema));
      book.set(name, membersOf(body));
    }
    return refer(name);
  }

  function withReferences(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if ("$id" in value && typeof value.$id === "string") return add(value);
    return membersOf(value);
  }

  function membersOf(value: object): unknown {
    if (Array.isArray(value)) return value.map(withReferences);
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withReferences(member)]));
  }

  return {
    add,
    addAs,
    all: (): Record<string, unknown> =>
      Object.fromEntries([...book].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

export type SchemaBook = ReturnType<typeof createSchemaBook>;
