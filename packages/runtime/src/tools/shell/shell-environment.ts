type Environment = Readonly<Record<string, string | undefined>>;

/** What a command gets of the environment without being asked for: where programs are, and how text and time are written. */
const passed = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The environment of a command: nothing of this process's own but a few variables that are no secrets, and those that the
 * configuration names.
 */
export function shellEnvironment(
  env: Environment,
  names: readonly string[],
  home: string,
): Record<string, string> {
  const given: Record<string, string> = { PATH: usualPath };
  for (const name of [...passed, ...names]) {
    const value = env[name];
    if (value !== undefined) given[name] = value;
  }
  return {
    ...given,
    HOME: home,
    TERM: "dumb",
    NO_COLOR: "1",
    // Nobody is there to answer, to page through or to edit.
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_TERMINAL_PROMPT: "0",
    GIT_EDITOR: "true",
    DEBIAN_FRONTEND: "noninteractive",
    CI: "true",
  };
}
