import { BlockList, isIP } from "node:net";

/** IPv4 networks that are not the internet: this machine, its neighbours, what clouds keep secrets at, and examples. */
const privateNetworks = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  privateNetworks.addSubnet(network, bits, "ipv4");

/** Of IPv6, one eighth is the internet… */
const internet = new BlockList();
internet.addSubnet("2000::", 3, "ipv6");
/** … but for examples, and what carries IPv4 addresses in it, which would be seen only on the way. */
const tunnels = new BlockList();
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  tunnels.addSubnet(network, bits, "ipv6");

/**
 * Whether an IP address, written out, is one of the internet: none of this machine, of a private network, of a cloud's
 * metadata, of documentation, and none that carries another address in it (mapped, translated, tunnelled), since where that
 * leads is seen only on the way. What is no address is none of the internet. Ask it of the address that a connection is about
 * to use, not of a name before that: a name can change its address in between.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !privateNetworks.check(address, "ipv4");
  return (
    family === 6 &&
    !address.includes("%") &&
    internet.check(address, "ipv6") &&
    !tunnels.check(address, "ipv6")
  );
}
