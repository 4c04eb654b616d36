import Type, { type Static } from "typebox";
import { Capability } from "./agent.ts";
import { limits } from "./limits.ts";
import { PersonName } from "./question.ts";

const closed = { additionalProperties: false } as const;
const Hour = Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", description: "Such as 09:00." });

/** When a person is at work. Outside of it nobody is reminded; to answer is always allowed. */
export const WorkingHours = Type.Object(
  {
    timezone: Type.String({
      minLength: 1,
      maxLength: limits.nameLength,
      description: "An IANA time zone, such as Europe/Berlin.",
    }),
    days: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
      minItems: 1,
      maxItems: 7,
      uniqueItems: true,
      description: "1 for Monday to 7 for Sunday.",
    }),
    from: Hour,
    to: Type.Unsafe<string>({ ...Hour, description: "Such as 17:30; earlier than `from`: the next day." }),
  },
  { $id: "WorkingHours", ...closed },
);
export type WorkingHours = Static<typeof WorkingHours>;

/** What is said of a person who joins. */
export const PersonRegistration = Type.Object(
  {
    name: PersonName,
    description: Type.Optional(Type.String({ maxLength: limits.textLength })),
    capabilities: Type.Optional(Type.Array(Capability, { maxItems: limits.capabilitiesPerAgent })),
    hours: Type.Optional(WorkingHours),
    tenant: Type.Optional(
      Type.String({
        maxLength: limits.nameLength,
        description: "For admins of all tenants; theirs otherwise.",
      }),
    ),
  },
  { $id: "PersonRegistration", ...closed },
);
export type PersonRegistration = Static<typeof PersonRegistration>;

/** A person: an agent of type `human`, without a process. */
export const Person = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    name: Type.String(),
    tenant: Type.String(),
    description: Type.String(),
    capabilities: Type.Array(Capability),
    hours: Type.Union([WorkingHours, Type.Null()]),
    atWork: Type.Boolean({ description: "By the working hours, now." }),
    registeredAt: Type.String({ format: "date-time" }),
  },
  { $id: "Person" },
);
export type Person = Static<typeof Person>;
