--- Certificates made with openssl when a spec runs, in a temporary folder.
--
--   local certs = require("spec.support.certs").make()
--   local certs = require("spec.support.certs").new():for_tests()  -- in a describe block
--   certs.ca            -- the authority's PEM file, for ca_file
--   certs.good          -- {cert=, key=}: localhost, 127.0.0.1, ::1
--   certs.wrong         -- the same authority, another name
--   certs.expired       -- ended yesterday
--   certs.untrusted     -- good names, an authority nobody trusts
--   certs.self_signed
--   certs:extend 'leaf other ca "DNS:a.test" $yesterday $later'
--   certs:named "other"
--   certs:open {...}    -- a session that trusts the authority
--   certs.folder; certs:remove()

local hinternet = require "hinternet"
local process = require "spec.support.process"

local certs = {}

function certs.__index(_, name)
  return certs[name] or error("there is no " .. name .. " among the certificates", 2)
end

local names = "DNS:localhost,IP:127.0.0.1,IP:::1"

-- What scripts can do. All certificates of one script are made in one shell:
-- starting programs is most of the time.
local functions = [==[
set -e
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
authority() { # file, name
  key "$1"
  openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "/CN=$2" \
    -config authority.cnf -out "$1.pem"
}
leaf() { # file, authority, names, not before, not after; $usage, $digest
  key "$1"
  printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$3" >"$1.ext"
  printf 'extendedKeyUsage=%s\n' "${usage:-serverAuth}" >>"$1.ext"
  openssl req -new -key "$1.key" -subj "/CN=$1" -config authority.cnf \
    -out "$1.csr"
  openssl ca -batch -notext -config authority.cnf -cert "$2.pem" \
    -keyfile "$2.key" -extfile "$1.ext" -startdate "$4" -enddate "$5" \
    -md "${digest:-sha256}" -in "$1.csr" -out "$1.pem"
}
]==]

local recipe = [==[
cat >authority.cnf <<'END'
[req]
prompt = no
distinguished_name = dn
x509_extensions = authority
[dn]
CN = placeholder
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[alone]
basicConstraints = critical,CA:FALSE
[ca]
default_ca = store
[store]
database = index.txt
crlnumber = crl.number
default_crl_days = 30
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
END
: >index.txt
echo 01 >crl.number
authority ca "Spec CA"
authority other "Unknown CA"
leaf good ca "$names" "$yesterday" "$later"
leaf wrong ca "DNS:wrong.example,IP:192.0.2.1" "$yesterday" "$later"
leaf expired ca "$names" "$earlier" "$yesterday"
leaf untrusted other "$names" "$yesterday" "$later"
key self_signed
openssl req -x509 -new -key self_signed.key -sha256 -days 30 \
  -subj "/CN=localhost" -addext "subjectAltName=$names" -config authority.cnf \
  -extensions alone -out self_signed.pem
]==]

local function stamp(offset_days)
  return os.date("!%Y%m%d%H%M%SZ", os.time() + offset_days * 86400)
end

-- Runs a script in the folder. The dates go with it.
local function run(folder, script)
  local file = assert(io.open(folder .. "/script.sh", "w"))
  file:write(functions, script)
  file:close()
  return process.run(("cd %s; names=%s yesterday=%s later=%s earlier=%s sh script.sh"):format(
    process.quote(folder), process.quote(names), stamp(-1), stamp(30), stamp(-10)))
end

--- Makes all certificates; 0.2 s.
---@return table
function certs.make() return certs.new():fill() end

--- Certificates that are yet to be made.
---@return table
function certs.new() return setmetatable({}, certs) end

--- Makes these.
---@return table self
function certs:fill()
  self.folder = process.temp_folder()
  run(self.folder, recipe)
  self.ca = self.folder .. "/ca.pem"
  for _, name in ipairs { "good", "wrong", "expired", "untrusted",
                          "self_signed" } do
    self[name] = self:named(name)
  end
  return self
end

--- Keeps them for the tests of the describe block that calls this.
---@param script? string what else is made, as in extend
---@return table self
function certs:for_tests(script)
  local busted = require "busted" -- its globals are a spec file's only
  busted.setup(function()
    self:fill()
    if script then self:extend(script) end
  end)
  busted.teardown(function() self:remove() end)
  return self
end

--- The files of a certificate that a script has made.
---@param name string
---@return table
function certs:named(name)
  return { cert = ("%s/%s.pem"):format(self.folder, name),
           key = ("%s/%s.key"):format(self.folder, name) }
end

--- The hash of a certificate's public key, as the option pinned_public_keys
--- takes it.
---@param name string
---@return string
function certs:pin(name)
  return "sha256//" .. process.run(("openssl x509 -noout -pubkey -in %s/%s.pem | "
    .. "openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | "
    .. "openssl base64 -A"):format(self.folder, name))
end

--- A session that trusts the authority.
---@param options? table
---@return table
function certs:open(options)
  options = options or {}
  options.ca_file = options.ca_file or self.ca
  return assert(hinternet.open(options))
end

--- Runs a shell script in the folder. It has the functions `key`, `authority`
--- and `leaf` and the variables `names`, `earlier`, `yesterday` and `later`.
---@param script string
---@return string output
function certs:extend(script)
  return run(self.folder, script)
end

--- Removes the folder.
function certs:remove()
  if rawget(self, "folder") then process.remove_folder(self.folder) end
  self.folder = nil
end

return certs
