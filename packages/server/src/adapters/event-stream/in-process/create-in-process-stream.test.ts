import { describeEventStreamContract } from "../../../test/contracts/event-stream.ts";
import { createInProcessStream } from "./create-in-process-stream.ts";

describeEventStreamContract("The stream in process", async () => createInProcessStream());
