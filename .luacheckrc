std = "lua54"
max_line_length = 100
exclude_files = { "lua/hinternet/types" }
files["spec"] = { std = "+busted" }
files["*.rockspec"] = { std = "+rockspec" }
files["examples/lighttpd"] = { globals = { "lighty" } }
files["examples/prosody"] = { globals = { "module" } }
