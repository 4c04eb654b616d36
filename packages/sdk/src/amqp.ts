/**
 * For agents that read the message broker of a cluster themselves. Apart from the rest of the SDK, since it needs the
 * package `rabbitmq-client`, which nobody else has to install.
 */
export { type AmqpTransportOptions, createAmqpTransport } from "./agent/amqp-transport.ts";
