--- Certificates made with openssl when a spec runs, in a temporary folder.
--
--   local certs = require("spec.support.certs").make()
--   certs.ca            -- the authority's PEM file, for ca_file
--   certs.good          -- {cert=, key=}: localhost, 127.0.0.1, ::1
--   certs.wrong         -- the same authority, another name
--   certs.expired       -- ended yesterday
--   certs.untrusted     -- good names, an authority nobody trusts
--   certs.self_signed
--   certs.folder; certs:remove()

local process = require "spec.support.process"

local certs = {}
certs.__index = certs

local names = "DNS:localhost,IP:127.0.0.1,IP:::1"

-- All of it in one shell: starting openssl is most of the time.
local recipe = [==[
set -e
cd "$1"
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
authority() { # file, name
  key "$1"
  openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "/CN=$2" \
    -config authority.cnf -out "$1.pem"
}
leaf() { # file, authority, names, not before, not after
  key "$1"
  printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$3" >"$1.ext"
  printf 'extendedKeyUsage=serverAuth\n' >>"$1.ext"
  openssl req -new -key "$1.key" -subj "/CN=$1" -config authority.cnf \
    -out "$1.csr"
  openssl ca -batch -notext -config authority.cnf -cert "$2.pem" \
    -keyfile "$2.key" -extfile "$1.ext" -startdate "$4" -enddate "$5" \
    -in "$1.csr" -out "$1.pem"
}
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
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
END
: >index.txt
authority ca "Spec CA"
authority other "Unknown CA"
leaf good ca "$2" "$3" "$4"
leaf wrong ca "DNS:wrong.example,IP:192.0.2.1" "$3" "$4"
leaf expired ca "$2" "$5" "$3"
leaf untrusted other "$2" "$3" "$4"
key self_signed
openssl req -x509 -new -key self_signed.key -sha256 -days 30 \
  -subj "/CN=localhost" -addext "subjectAltName=$2" -config authority.cnf \
  -extensions alone -out self_signed.pem
]==]

local function stamp(offset_days)
  return os.date("!%Y%m%d%H%M%SZ", os.time() + offset_days * 86400)
end

--- Makes all certificates; 0.2 s.
---@return table
function certs.make()
  local folder = process.temp_folder()
  local script = folder .. "/make.sh"
  local file = assert(io.open(script, "w"))
  file:write(recipe)
  file:close()
  process.run(("sh %s %s %s %s %s %s"):format(process.quote(script),
    process.quote(folder), process.quote(names), stamp(-1), stamp(30),
    stamp(-10)))
  local self = { folder = folder, ca = folder .. "/ca.pem" }
  for _, name in ipairs { "good", "wrong", "expired", "untrusted",
                          "self_signed" } do
    self[name] = { cert = ("%s/%s.pem"):format(folder, name),
                   key = ("%s/%s.key"):format(folder, name) }
  end
  return setmetatable(self, certs)
end

--- Removes the folder.
function certs:remove()
  if self.folder then process.remove_folder(self.folder) end
  self.folder = nil
end

return certs
