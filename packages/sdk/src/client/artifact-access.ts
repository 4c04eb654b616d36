import type { Artifact, ArtifactEntry, ArtifactFilter } from "../protocol/index.ts";
import type { Page } from "./client.ts";

export interface ArtifactContent extends AsyncIterable<Uint8Array> {
  /** Lets go of it unread. */
  cancel(): Promise<void>;
}

/**
 * The five things that can be done to artifacts, as whoever carries them offers them: over HTTP, or in process. What
 * programs use is `ArtifactClient`, which stands on this.
 */
export interface ArtifactAccess {
  put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options?: { contentType?: string; sha256?: string; signal?: AbortSignal },
  ): Promise<Artifact>;
  get(
    key: string,
    options?: { range?: { start: number; end: number }; signal?: AbortSignal },
  ): Promise<{ artifact: Artifact; body: ArtifactContent }>;
  head(key: string): Promise<Artifact>;
  list(filter?: ArtifactFilter): Promise<Page<ArtifactEntry>>;
  delete(key: string): Promise<void>;
}
