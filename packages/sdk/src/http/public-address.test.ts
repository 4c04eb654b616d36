import { expect, it } from "vitest";
import { isPublicAddress } from "./public-address.ts";

const isRefused = (address: string) => !isPublicAddress(address);

it.each([
  ["this machine", "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::"],
  ["private networks", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd00::1"],
  ["links and what clouds keep secrets at", "169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"],
  [
    "carriers, benchmarks and protocol assignments",
    "100.64.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "192.0.0.8",
  ],
  ["examples", "192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
  ["groups and what is reserved", "224.0.0.1", "240.0.0.1", "255.255.255.255", "ff02::1"],
  ["IPv4 inside IPv6", "::ffff:10.0.0.1", "::ffff:1.1.1.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1"],
  ["tunnels", "2002:a00:1::1", "2001:0:a00:1::1", "2001:10::1", "192.88.99.1"],
  ["unique but unrouted", "fec0::1", "100::1", "4000::1", "5f00::1"],
  [
    "what is no address",
    "",
    "localhost",
    "example.org",
    "1.1.1",
    "0x7f.1",
    "2130706433",
    "1.1.1.1:80",
    "[::1]",
  ],
])("refuses %s", (_, ...addresses) => {
  expect(addresses.filter((address) => !isRefused(address))).toEqual([]);
});

it("takes addresses of the internet", () => {
  const open = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
  ];
  const six = ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2400:cb00::1"];
  expect([...open, ...six].filter(isRefused)).toEqual([]);
});
