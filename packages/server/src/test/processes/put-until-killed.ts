// Puts blobs without end, over each other, and says which it begins and which were acknowledged, until it is killed.
import { createFilesystemBlobs } from "../../adapters/blob-store/filesystem/create-filesystem-blobs.ts";
import { bytesOf, cut, sha256Of } from "../contracts/blob-content.ts";

const [folder = "", seed = "0"] = process.argv.slice(2);
const store = await createFilesystemBlobs({ folder, log: { info() {}, warn() {} } });

async function putForever(key: string): Promise<never> {
  for (let turn = 1; ; turn++) {
    const content = bytesOf(Number(seed) * 1_000_003 + turn, (turn * 77_777) % 3_000_000);
    const sha256 = sha256Of(content);
    process.send?.({ key, sha256, done: false });
    await store.put(key, cut(content));
    process.send?.({ key, sha256, done: true });
  }
}
await Promise.all(["a", "a/b", "C", "a/b/c"].map(putForever));
