import { expect, test } from "vitest";
import { type Column, renderTable } from "./table.ts";

interface Row {
  id: string;
  name: string;
}
const columns: Column<Row>[] = [
  { title: "ID", value: (row) => row.id },
  { title: "NAME", value: (row) => row.name, shrinks: true },
];

test("aligns columns and leaves no space at the end of a line", () => {
  const rows = [
    { id: "a", name: "first" },
    { id: "bcd", name: "2" },
  ];
  expect(renderTable(columns, rows, Number.POSITIVE_INFINITY)).toBe("ID   NAME\na    first\nbcd  2\n");
});

test("narrows what may shrink and never the ids", () => {
  const rows = [{ id: "0199aa41-7c1e", name: "a name that is long" }];
  const [, line] = renderTable(columns, rows, 25).split("\n");
  expect(line).toBe("0199aa41-7c1e  a name th…");
});

test("text from agents cannot drive the terminal", () => {
  expect(renderTable(columns, [{ id: "a", name: "x\u001b[2Jy\nz" }], 80)).toContain("a   xy z");
});

test("leaves out what is optional before it breaks lines", () => {
  const wide: Column<Row>[] = [
    ...columns,
    { title: "MORE", value: () => "rather much more", optional: true },
  ];
  const rows = [{ id: "0199aa41-7c1e", name: "name" }];
  expect(renderTable(wide, rows, 80)).toContain("MORE");
  expect(renderTable(wide, rows, 20)).toBe("ID             NAME\n0199aa41-7c1e  name\n");
});
