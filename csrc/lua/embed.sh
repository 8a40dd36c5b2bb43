#!/bin/sh
# Makes the C file of the Lua files that are part of the library:
#
#   embed.sh HEADER [USERS-FILE...] -- FILE... >C-FILE
#
# The former are what users require by name, the latter the Lua half's modules.
# Comments on lines of their own are left out; the lines' numbers stay.
set -e
header=$1
shift
echo "#include \"$header\""
number=0
for file; do
  [ "$file" != -- ] || continue
  number=$((number + 1))
  printf '\nstatic const char lhn_text_%d[] =\n' $number
  sed -e 's/^ *--.*//' -e 's/[\\"?]/\\&/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
  echo ';'
done
printf '\nconst struct lhn_source lhn_sources[] = {\n'
number=0 inner=false
for file; do
  [ "$file" != -- ] || { inner=true; continue; }
  number=$((number + 1))
  name=$(echo "${file#lua/}" | sed -e 's/\.lua$//' -e 's,/,.,g')
  printf '{"%s", %s, lhn_text_%d, sizeof lhn_text_%d - 1},\n' \
    "$name" $inner $number $number
done
echo '{NULL, false, NULL, 0},'
echo '};'
