import { describeAttacks } from './describe-attacks.ts';

describeAttacks('residue');
