import { describeRandomContract } from "../../test/contracts/random.ts";
import { createSystemRandom } from "./system-random.ts";

describeRandomContract("The system", createSystemRandom);
