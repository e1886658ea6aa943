import { describeAttacks } from './describe-attacks.ts';

describeAttacks('abi-bypass');
