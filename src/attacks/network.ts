/** Out through the network. */
import { AT_FDCWD, type Attack, attack, call, O_RDWR, type Scenario, scenario } from './attack.ts';

const NET = ['namespace.network'];
const RIGHTS = ['namespace.network', 'capabilities'];
const SOL_SOCKET = 1;
const SO = { mark: 36, bindToDevice: 25 } as const;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;

const attacks: readonly Attack[] = [
  attack('network.interfaces', 'find an interface beside loopback', ['interfaces'], 'lo', NET),
  attack('network.host-loopback', 'connect to a service on the loopback of the host', ['tcp', '127.0.0.1', '{tcpPort}'], 'ECONNREFUSED', NET),
  attack('network.host-loopback6', 'the same by IPv6', ['tcp', '::1', '{tcpPort}'], ['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENETUNREACH'], NET),
  attack('network.host-mapped', 'the same by an IPv4 address in IPv6 form', ['tcp', '::ffff:127.0.0.1', '{tcpPort}'], ['ECONNREFUSED', 'ENETUNREACH', 'EADDRNOTAVAIL'], NET),
  attack('network.host-any', 'the same by the address 0.0.0.0', ['tcp', '0.0.0.0', '{tcpPort}'], 'ECONNREFUSED', NET),
  attack('network.metadata', 'connect to the metadata service of a cloud', ['tcp', '169.254.169.254', 80], 'ENETUNREACH', NET),
  attack('network.private', 'connect to a private address', ['tcp', '10.0.0.1', 22], 'ENETUNREACH', NET),
  attack('network.public', 'connect to a public address', ['tcp', '198.51.100.1', 443], 'ENETUNREACH', NET),
  attack('network.public6', 'connect to a public IPv6 address', ['tcp', '2001:db8::1', 443], ['ENETUNREACH', 'EADDRNOTAVAIL'], NET),
  attack('network.dns-udp', 'send a packet to a name server', ['udp', '198.51.100.1', 53], 'ENETUNREACH', NET),
  attack('network.broadcast', 'send a packet to everybody', ['udp', '255.255.255.255', 67], ['ENETUNREACH', 'EACCES'], NET),
  attack('network.multicast', 'send a packet to a group', ['udp', '224.0.0.251', 5353], 'ENETUNREACH', NET),
  attack('network.name', 'look a name up', ['sh', 'getent hosts attack.invalid >/dev/null && echo FOUND; getent hosts example.com >/dev/null && echo FOUND || echo refused'], 'refused', NET),
  attack('network.routes', 'find a route', ['sh', 'n=0; while read -r l; do n=$((n+1)); done </proc/net/route; [ $n -le 1 ] && echo none || echo FOUND'], 'none', NET),
  attack('network.add-route', 'make a default route', ['add-route', 'lo'], 'EPERM', RIGHTS),
  attack('network.add-link', 'make an interface', ['add-link'], 'EPERM', RIGHTS),
  attack('network.down', 'take loopback down', ['interface-down', 'lo'], 'EPERM', RIGHTS),
  attack('network.mark', 'mark packets for the firewall of the host', ['socket-option', SOL_SOCKET, SO.mark], 'EPERM', RIGHTS),
  attack('network.transparent', 'take packets meant for others', ['socket-option', SOL_IP, IP_TRANSPARENT], 'EPERM', RIGHTS),
  attack('network.low-port', 'serve on a port kept for root', ['bind', 80], 'EACCES', RIGHTS),
  call('network.ping', 'send a ping', ['socket', 2, 2, 1], ['EACCES', 'EPERM'], NET),
  call('network.tun', 'make a tunnel', ['openat', AT_FDCWD, '=/dev/net/tun', O_RDWR], 'ENOENT', ['namespace.mount']),
  attack('network.sysctl', 'change a setting of the network', ['sh', '{ echo 1 >/proc/sys/net/ipv4/ip_forward; } 2>/dev/null && echo CHANGED || echo refused'], 'refused', ['namespace.mount', 'namespace.network']),
];

export const NETWORK: readonly Scenario[] = [scenario({ name: 'network', class: 'network', attacks })];
