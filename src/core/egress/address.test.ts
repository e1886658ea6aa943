import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isAddressAndPort, isIpOrBlock, isIpv4, isIpv6 } from './address.ts';

const almostAddress = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom('0', '1', '25', '6', 'f', ':', '::', '.', 'g'), maxLength: 20 }), fc.tuple(fc.ipV6(), fc.nat(30)).map(([text, at]) => text.slice(0, at) + text.slice(at + 1)));

it('addresses are what the system takes for addresses', () => {
  fc.assert(
    fc.property(almostAddress, (text) => {
      expect(isIpv4(text), text).toBe(isIPv4(text));
      expect(isIpv6(text), text).toBe(isIPv6(text));
    }),
    { numRuns: 2000 },
  );
});

it.each(['10.0.0.0/8', '10.0.0.1', '::/0', '2001:db8::/128'])('%s is an address or a block', (text) => expect(isIpOrBlock(text)).toBe(true));
it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '/8', 'a/8', '10.0.0.0/-1', ''])('%j is no block', (text) => expect(isIpOrBlock(text)).toBe(false));
it.each(['1.2.3.4:53', '[::1]:65535'])('%s is an address and a port', (text) => expect(isAddressAndPort(text)).toBe(true));
it.each(['1.2.3.4', '1.2.3.4:0', '1.2.3.4:65536', '::1:53', '[1.2.3.4]:53', '[::1', ':53', 'a.example:53', '1.2.3.4:53 '])('%j is none', (text) => expect(isAddressAndPort(text)).toBe(false));
