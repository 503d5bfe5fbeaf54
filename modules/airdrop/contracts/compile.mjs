// Compiles the contracts of src and test into build and testdata, and the token of
// the development chain beside its source: `make contracts`.
import crypto from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import solc from 'solc'

process.chdir(import.meta.dirname)
const devchain = '../../../platform/chain/devchain'
const folders = { src: 'build', test: 'testdata', [devchain]: devchain }
const named = Object.keys(folders).flatMap(f => fs.readdirSync(f).filter(name => name.endsWith('.sol')).sort().map(name => f + '/' + name))
const input = {
	language: 'Solidity',
	sources: Object.fromEntries(named.map(name => [name, { content: fs.readFileSync(name, 'utf8') }])),
	settings: {
		evmVersion: 'cancun', // the least that OpenZeppelin's signature check compiles for
		optimizer: { enabled: true, runs: 200 },
		viaIR: true,
		metadata: { appendCBOR: false, bytecodeHash: 'none' }, // the code is what the source says, and no byte more
		outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
	},
}
// What was compiled, so that a test without npm finds an artefact that is out of date.
const digest = crypto.createHash('sha256')
for (const name of named) digest.update(path.basename(name) + '\n' + input.sources[name].content)
const sources = digest.digest('hex')
const load = name => ({ contents: fs.readFileSync(path.join('node_modules', name), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load }))
for (const e of output.errors ?? []) console.error(e.formattedMessage)
if ((output.errors ?? []).length > 0) process.exit(1)

for (const file of named) {
	for (const [name, c] of Object.entries(output.contracts[file])) {
		if (c.evm.bytecode.object === '' || !file.startsWith('test/') && name + '.sol' !== path.basename(file)) continue
		const artefact = {
			generated: 'from ' + file.replace(/^[./]*/, '') + ' by compile.mjs; to make it again: make contracts',
			sources, compiler: solc.version(), settings: { ...input.settings, outputSelection: undefined },
			abi: c.abi, bytecode: '0x' + c.evm.bytecode.object, deployedBytes: c.evm.deployedBytecode.object.length / 2,
		}
		const to = path.join(folders[path.dirname(file)], name + '.json')
		const text = JSON.stringify(artefact, null, '\t') + '\n'
		const before = fs.existsSync(to) ? fs.readFileSync(to, 'utf8') : ''
		if (before === text) continue
		console.error('wrote ' + to + ' (' + artefact.deployedBytes + ' bytes of code)')
		fs.mkdirSync(path.dirname(to), { recursive: true })
		fs.writeFileSync(to, text)
	}
}
