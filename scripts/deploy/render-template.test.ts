import { expect, test } from "vitest";
import { parseTemplate } from "./parse-template.ts";
import { renderTemplate } from "./render-template.ts";

const data = {
  name: "muster",
  port: 80,
  large: 1_500_000,
  off: false,
  none: {},
  list: ["a", "b"],
  map: { z: 1, a: 2 },
};

function render(source: string): string {
  const { nodes, defined } = parseTemplate(source);
  return renderTemplate(nodes, data, defined);
}

// What Go's text/template and Sprig make of each was looked up by running them.
test.each([
  ["{{ .name }}", "muster"],
  ["a {{- .name -}} b", "amusterb"],
  ["{{ .name | quote }}", '"muster"'],
  ['{{ printf "%s:%d" .name (int .port) }}', "muster:80"],
  ["{{ add (div (add .port 20) 30) 1 }}", "4"],
  ["{{ .large | int | quote }}", '"1500000"'],
  ["{{ if .off }}x{{ else }}y{{ end }}", "y"],
  ["{{ if and .name (not .off) }}x{{ end }}", "x"],
  ["{{ with .none }}x{{ else }}y{{ end }}", "y"],
  ["{{ with .map }}{{ .a }}{{ $.name }}{{ end }}", "2muster"],
  ["{{ range $one := .list }}[{{ $one }}]{{ end }}", "[a][b]"],
  ["{{ range $key, $value := .map }}{{ $key }}={{ $value }} {{ end }}", "a=2 z=1 "],
  ["{{ $x := .name }}{{ if true }}{{ $x }}{{ end }}", "muster"],
  ['{{ define "t" }}<{{ .name }}>{{ end }}{{ include "t" . }}', "<muster>"],
  ['{{ "" | default .name }}', "muster"],
  ["{{ toYaml .list | nindent 2 }}", "\n  - a\n  - b"],
  ['{{ "long-name-" | trunc 10 | trimSuffix "-" }}', "long-name"],
])("%s is %s", (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ["{{ .nmae }}", ".nmae is not there"],
  ["{{ $x }}", "$x was never set"],
  ["{{ upper .name }}", "the function upper is not known here"],
  ["{{ .large }}", "can't be printed as Go prints it"],
  ["{{ .map }}", "can't be printed as Go prints it"],
  ['{{ required "say which" "" }}', "say which"],
  ["{{ if .name }}x", "an {{ end }} is missing"],
  ["x{{ end }}", "an {{ end }} too many"],
  ["{{ if .off }}x{{ else if .name }}y{{ end }}", "not known here: {{ else if .name }}"],
  ['{{ printf "%d" .port }}', "printf can't print 80 as %d"],
  ["{{ .name ? }}", "not understood"],
  ["{{ /* why */ }}", "not understood"],
])("%s is refused", (source, message) => {
  expect(() => render(source)).toThrow(message);
});
