/**
 * Keeps the process alive until it is ended. An agent waits for work: between two tries to reach the server it
 * has neither a socket nor a timer that would, and its process must not end in silence.
 */
export const createKeepAlive = () => {
  let handle: NodeJS.Timeout | undefined;
  return {
    begin: () => {
      handle ??= setInterval(() => undefined, 2 ** 30);
    },
    end: () => {
      clearInterval(handle);
      handle = undefined;
    },
  };
};
