"""The programs that only read, each with the options with which that is so.

What isn't listed asks: another program, another option, an operand too many. An option is listed
when no value of it makes the program write, run another program, reach the network, or read what is
named neither as an operand nor as a path here.
"""

from __future__ import annotations

from functools import cache

from chatterm.permissions.shell.checks import (
    check_command,
    check_date,
    check_gzip,
    check_ps,
    check_seq,
    check_sleep,
    check_strings,
    check_tail,
    check_tar,
    check_unzip,
)
from chatterm.permissions.shell.filters import check_awk, check_jq, check_sed
from chatterm.permissions.shell.options import Depth, Operands, Reader

_HELP = "help version"
_LS = Reader(
    short="1aAbBcCdfFgGhHiklLmnNopqQrRsStuUvxXZ",
    short_values="ITw",
    long=f"{_HELP} all almost-all author escape ignore-backups color? classify? file-type "
    "full-time group-directories-first no-group human-readable si dereference-command-line "
    "indicator-style= inode ignore= hide= dereference numeric-uid-gid literal quote-name "
    "quoting-style= reverse recursive size sort= time= time-style= tabsize= width= context zero "
    "block-size= format= hyperlink? directory kibibytes hide-control-chars show-control-chars",
    operands=Operands.NAMES,
    globs=True,
    here="always",
)
_GREP = Reader(
    short="abcEFGhHiIlLnoPqsTUvVwxyzZrR",
    short_values="ABCDdefm",
    long=f"{_HELP} extended-regexp fixed-strings basic-regexp perl-regexp regexp= file= "
    "ignore-case no-ignore-case invert-match word-regexp line-regexp count color? colour? "
    "files-without-match files-with-matches max-count= only-matching quiet silent no-messages "
    "byte-offset with-filename no-filename label= line-number initial-tab null after-context= "
    "before-context= context= text binary-files= exclude= exclude-from= exclude-dir= include= "
    "recursive dereference-recursive line-buffered null-data group-separator= no-group-separator "
    "devices= directories=",
    operands=Operands.PATTERN,
    patterns=frozenset({"-e", "-f", "--regexp", "--file"}),
    paths=frozenset({"-f", "--file", "--exclude-from"}),
    globs=True,
    numbers=True,
    here="always",
    only=("--include",),
    without=("--exclude-dir",),
    deeper=(
        ("-R", Depth.FOLLOWED),
        ("--dereference-recursive", Depth.FOLLOWED),
        ("-r", Depth.TREE),
        ("--recursive", Depth.TREE),
        ("-d", Depth.TREE),
        ("--directories", Depth.TREE),
    ),
)
_SUM = Reader(
    short="btz",
    long=f"{_HELP} binary text tag zero",
    globs=True,
)
_DECOMPRESSED = Reader(long=_HELP)
_GUNZIPPED = Reader(long=_HELP, endings=(".gz", ".z", "-z", ".Z", "-gz", "_z", ".tgz", ".taz"))
_GZIP = Reader(
    short="cdlkqv",
    long="stdout to-stdout decompress uncompress list keep quiet verbose",
    endings=_GUNZIPPED.endings,
    first=True,
    check=check_gzip,
)
_ENCODED = Reader(short="di", short_values="w", long=f"{_HELP} decode ignore-garbage wrap=", most=1)


_TEXT = {
    "cat": Reader(
        short="AbeEnstTuv",
        long=f"{_HELP} show-all number-nonblank show-ends number squeeze-blank show-tabs "
        "show-nonprinting",
        globs=True,
    ),
    "tac": Reader(short="br", short_values="s", long=f"{_HELP} before regex separator="),
    "nl": Reader(short="p", short_values="bdfhilnsvw", long=_HELP, globs=True),
    "head": Reader(
        short="qvz",
        short_values="cn",
        long=f"{_HELP} bytes= lines= quiet silent verbose zero-terminated",
        globs=True,
        numbers=True,
    ),
    "tail": Reader(
        short="qvzr",
        short_values="cn",
        long=f"{_HELP} bytes= lines= quiet silent verbose zero-terminated",
        globs=True,
        numbers=True,
        check=check_tail,
    ),
    "wc": Reader(
        short="clmLw", long=f"{_HELP} bytes chars lines max-line-length words total=", globs=True
    ),
    "sort": Reader(
        short="bdfgihMnRrVcCmsuz",
        short_values="ktS",
        long=f"{_HELP} ignore-leading-blanks dictionary-order ignore-case general-numeric-sort "
        "ignore-nonprinting month-sort human-numeric-sort numeric-sort random-sort reverse sort= "
        "version-sort check? key= merge stable buffer-size= field-separator= parallel= unique "
        "zero-terminated debug batch-size=",
    ),
    "uniq": Reader(
        short="cdDiuz",
        short_values="fsw",
        long=f"{_HELP} count repeated all-repeated? skip-fields= group? ignore-case skip-chars= "
        "unique zero-terminated check-chars=",
        most=1,
        numbers=True,
    ),
    "cut": Reader(
        short="nsz",
        short_values="bcdf",
        long=f"{_HELP} bytes= characters= delimiter= fields= complement only-delimited "
        "output-delimiter= zero-terminated",
        globs=True,
    ),
    "paste": Reader(
        short="sz", short_values="d", long=f"{_HELP} delimiters= serial zero-terminated", globs=True
    ),
    "tr": Reader(
        short="cCdst",
        long=f"{_HELP} complement delete squeeze-repeats truncate-set1",
        operands=Operands.TEXT,
        globs=True,
    ),
    "rev": Reader(long=_HELP, globs=True),
    "column": Reader(
        short="texnLdJ",
        short_values="csoNHRWEO",
        long=f"{_HELP} table separator= output-separator= table-columns= table-right= "
        "table-noheadings keep-empty-lines output-width= fillrows",
    ),
    "comm": Reader(
        short="123z",
        long=f"{_HELP} check-order nocheck-order output-delimiter= total zero-terminated",
        globs=True,
    ),
    "join": Reader(
        short="iz",
        short_values="aeojtv12",
        long=f"{_HELP} ignore-case check-order nocheck-order header zero-terminated",
        globs=True,
    ),
    "fold": Reader(short="bs", short_values="w", long=f"{_HELP} bytes spaces width=", globs=True),
    "fmt": Reader(
        short="cstu", short_values="wgp", long=f"{_HELP} width= goal= split-only", globs=True
    ),
    "expand": Reader(short="i", short_values="t", long=f"{_HELP} initial tabs=", globs=True),
    "unexpand": Reader(
        short="a", short_values="t", long=f"{_HELP} all first-only tabs=", globs=True
    ),
    "shuf": Reader(
        short="erz",
        short_values="in",
        long=f"{_HELP} echo input-range= head-count= repeat zero-terminated",
    ),
    "tsort": Reader(long=_HELP, globs=True),
    "diff": Reader(
        short="aqsuyrNbBwEZitTdpcen",
        short_values="CUWIxLF",
        long=f"{_HELP} normal brief report-identical-files context? unified? ed rcs side-by-side "
        "width= left-column suppress-common-lines show-c-function show-function-line= label= "
        "expand-tabs initial-tab tabsize= recursive no-dereference new-file "
        "unidirectional-new-file ignore-file-name-case exclude= ignore-case ignore-tab-expansion "
        "ignore-trailing-space ignore-space-change ignore-all-space ignore-blank-lines "
        "ignore-matching-lines= text strip-trailing-cr minimal horizon-lines= speed-large-files "
        "color? palette=",
        depth=Depth.FOLLOWED,
        numbers=True,
    ),
    "cmp": Reader(
        short="bls",
        short_values="in",
        long=f"{_HELP} print-bytes ignore-initial= verbose bytes= quiet silent",
    ),
    # Not with files: it runs decompressors on some by their names.
    "diffstat": Reader(short="bcklmpqRruw", operands=Operands.NONE),
    "strings": Reader(
        short="afow",
        short_values="nte",
        long=f"{_HELP} all print-file-name bytes= radix= encoding=",
        numbers=True,
        check=check_strings,
    ),
    "od": Reader(
        short="abcdfhilosvx",
        short_values="AjNSt",
        short_maybe="w",
        long=f"{_HELP} address-radix= skip-bytes= read-bytes= strings? format= output-duplicates "
        "width? endian= traditional",
        globs=True,
    ),
    "hexdump": Reader(short="bcCdovx", short_values="ns", long=_HELP, globs=True),
    "hd": Reader(short="bcCdovx", short_values="ns", globs=True),
    "xxd": Reader(short="abeEipuCd", short_values="cglos", most=1, bundles=False),
    "base64": _ENCODED,
    "base32": _ENCODED,
    "numfmt": Reader(
        short="dz",
        long=f"{_HELP} from= to= field= format= header? suffix= padding= grouping round= "
        "from-unit= to-unit= delimiter= invalid=",
        operands=Operands.TEXT,
        globs=True,
    ),
    "factor": Reader(operands=Operands.TEXT, long=_HELP),
    "look": Reader(short="df", operands=Operands.PATTERN),
    **dict.fromkeys(
        ("md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum"), _SUM
    ),
    "shasum": Reader(short="bt", short_values="a", long=f"{_HELP} binary text algorithm="),
    "md5": Reader(short="qr", globs=True),
    "cksum": Reader(short="", short_values="a", long=f"{_HELP} algorithm= raw tag untagged"),
    "sum": Reader(short="rs", long=_HELP, globs=True),
    **dict.fromkeys(("zcat", "gzcat"), _GUNZIPPED),
    **dict.fromkeys(("gzip", "gunzip"), _GZIP),
    **dict.fromkeys(("bzcat", "xzcat", "zstdcat", "lzcat"), _DECOMPRESSED),
    "awk": Reader(
        short_values="Fv",
        long="re-interval posix",
        operands=Operands.PATTERN,
        first=True,
        check=check_awk,
    ),
    "sed": Reader(
        short="nErsuz",
        short_values="e",
        long=f"{_HELP} quiet silent regexp-extended separate expression= null-data posix",
        operands=Operands.PATTERN,
        patterns=frozenset({"-e", "--expression"}),
        first=True,
        check=check_sed,
    ),
    "jq": Reader(
        short="rRcsnejSaMC",
        long="raw-output compact-output slurp null-input exit-status join-output sort-keys "
        "ascii-output monochrome-output color-output raw-input tab indent= stream help version "
        "unbuffered",
        operands=Operands.PATTERN,
        twice=frozenset({"--arg", "--argjson"}),
        check=check_jq,
    ),
}
_FILES = {
    "ls": _LS,
    "dir": _LS,
    "vdir": _LS,
    "exa": Reader(
        short="1alhrFdTgHiStuUmnRBbx",
        short_values="sLIt",
        long="long all tree recurse level= sort= reverse git header icons no-icons color? colour? "
        "color= group-directories-first git-ignore only-dirs oneline grid classify time-style= "
        "no-permissions no-filesize no-user no-time version help",
        operands=Operands.NAMES,
        here="always",
    ),
    "tree": Reader(
        short="adfipsughDFqNQrtcUSnCAxXJv",
        short_values="LPI",
        attached=False,
        long="help version dirsfirst filesfirst noreport gitignore matchdirs prune du si inodes "
        "device charset= filelimit= ignore-case sort= timefmt= nolinks",
        operands=Operands.NAMES,
        here="always",
    ),
    "fd": Reader(
        short="HIuigsFap01",
        short_values="etdEjSc",
        long="hidden no-ignore unrestricted ignore-case case-sensitive glob fixed-strings "
        "absolute-path full-path extension= type= max-depth= min-depth= exact-depth= exclude= "
        "size= changed-within= changed-before= color= print0 max-results= no-ignore-vcs "
        "threads= strip-cwd-prefix? help version regex",
        operands=Operands.NAME_PATTERN,
        here="always",
    ),
    "stat": Reader(
        short="Lftxnqr",
        short_values="c",
        long=f"{_HELP} dereference file-system cached= format= printf= terse",
        operands=Operands.NAMES,
        globs=True,
    ),
    "file": Reader(
        short="bhikLNrsv0",
        short_values="F",
        long=f"{_HELP} brief mime mime-type mime-encoding keep-going dereference no-dereference "
        "no-pad print0 separator= extension",
    ),
    "du": Reader(
        short="0abcDhHklLmPsSx",
        short_values="dtB",
        long=f"{_HELP} null all apparent-size block-size= bytes total dereference-args max-depth= "
        "human-readable inodes count-links dereference no-dereference separate-dirs si summarize "
        "threshold= time? time-style= exclude= one-file-system",
        operands=Operands.NAMES,
        globs=True,
        here="always",
    ),
    "realpath": Reader(
        short="emLPqsz",
        long=f"{_HELP} canonicalize-existing canonicalize-missing logical physical quiet strip "
        "no-symlinks zero relative-to= relative-base=",
        operands=Operands.TEXT,
        globs=True,
    ),
    "readlink": Reader(
        short="femnqsvz",
        long=f"{_HELP} canonicalize canonicalize-existing canonicalize-missing no-newline zero",
        operands=Operands.TEXT,
        globs=True,
    ),
    "basename": Reader(
        short="az",
        short_values="s",
        long=f"{_HELP} multiple suffix= zero",
        operands=Operands.TEXT,
        globs=True,
    ),
    "dirname": Reader(short="z", long=f"{_HELP} zero", operands=Operands.TEXT, globs=True),
    "df": Reader(
        short="ahHiklmPTx",
        short_values="tB",
        long=f"{_HELP} all block-size= human-readable si inodes local no-sync output? portability "
        "total type= print-type exclude-type=",
        operands=Operands.TEXT,
    ),
    "tar": Reader(
        short="tvzjJ",
        short_values="f",
        long="list verbose gzip bzip2 xz file=",
        operands=Operands.PATHS,
        paths=frozenset({"-f", "--file"}),
        check=check_tar,
    ),
    "unzip": Reader(
        short="lvZ12qt", operands=Operands.PATHS, most=1, first=True, check=check_unzip
    ),
    "zipinfo": Reader(short="12lsmvht", operands=Operands.PATHS, most=1, first=True),
}
_SEARCHES = {
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": Reader(
        short="ilcvwxFSsoHNInUP0ah.u",
        short_values="ABCegtTmMjrd",
        long="ignore-case files-with-matches files-without-match count count-matches invert-match "
        "word-regexp line-regexp fixed-strings smart-case case-sensitive only-matching "
        "with-filename no-filename line-number no-line-number multiline multiline-dotall pcre2 "
        "after-context= before-context= context= regexp= glob= iglob= type= type-not= max-count= "
        "max-columns= threads= replace= max-depth= files hidden heading no-heading color= "
        "column no-column sort= sortr= type-list stats json vimgrep trim passthru null text "
        "no-messages max-filesize= help version pretty line-buffered no-config context-separator= "
        "no-ignore no-ignore-vcs no-ignore-parent no-ignore-dot byte-offset crlf quiet "
        "max-columns-preview binary engine= unrestricted one-file-system",
        operands=Operands.PATTERN,
        patterns=frozenset({"-e", "--regexp", "--files", "--type-list"}),
        here="first",
        depth=Depth.VISIBLE,
        only=("-g", "--glob", "--iglob"),
        types=("-t", "--type"),
        deeper=(
            ("--files", Depth.NAMES),
            ("--type-list", Depth.NAMES),
            ("-u", Depth.TREE),
            ("--unrestricted", Depth.TREE),
            ("--no-ignore", Depth.TREE),
            ("--no-ignore-vcs", Depth.TREE),
            ("--no-ignore-dot", Depth.TREE),
            ("--no-ignore-parent", Depth.TREE),
            ("--hidden", Depth.UNHIDDEN),
            ("-.", Depth.UNHIDDEN),
        ),
    ),
}
_SYSTEM = {
    "pwd": Reader(short="LP", operands=Operands.NONE),
    "whoami": Reader(long=_HELP, operands=Operands.NONE),
    "id": Reader(
        short="agGnruz", long=f"{_HELP} group groups name real user zero", operands=Operands.TEXT
    ),
    "groups": Reader(long=_HELP, operands=Operands.TEXT),
    "logname": Reader(long=_HELP, operands=Operands.NONE),
    "tty": Reader(short="s", operands=Operands.NONE),
    "uname": Reader(
        short="asnrvmpio",
        long=f"{_HELP} all kernel-name nodename kernel-release kernel-version machine processor "
        "hardware-platform operating-system",
        operands=Operands.NONE,
    ),
    "arch": Reader(long=_HELP, operands=Operands.NONE),
    "nproc": Reader(long=f"{_HELP} all ignore=", operands=Operands.NONE),
    "uptime": Reader(short="ps", long=f"{_HELP} pretty since", operands=Operands.NONE),
    "free": Reader(
        short="bkmghtwl", long="human giga mega kibi mebi gibi total wide", operands=Operands.NONE
    ),
    "lscpu": Reader(short="aebcJx", long="all extended parse json", operands=Operands.NONE),
    "hostname": Reader(short="sI", long="short", operands=Operands.NONE),
    "date": Reader(
        short="uR",
        short_values="d",
        short_maybe="I",
        long=f"{_HELP} utc universal date= iso-8601? rfc-3339= rfc-email",
        operands=Operands.TEXT,
        check=check_date,
    ),
    "cal": Reader(short="13jmsywy", operands=Operands.TEXT),
    "ps": Reader(
        short="eAfFlw",
        short_values="pou",
        long="sort= forest no-headers",
        operands=Operands.TEXT,
        check=check_ps,
    ),
    "pgrep": Reader(short="flaxcnoi", short_values="uP", operands=Operands.TEXT),
    "pidof": Reader(short="s", operands=Operands.TEXT),
    "sleep": Reader(operands=Operands.TEXT, check=check_sleep),
    "true": Reader(operands=Operands.TEXT, globs=True),
    "false": Reader(operands=Operands.TEXT, globs=True),
    ":": Reader(operands=Operands.TEXT, globs=True),
    "seq": Reader(
        short="w",
        short_values="sf",
        long=f"{_HELP} equal-width separator= format=",
        operands=Operands.TEXT,
        numbers=True,
        check=check_seq,
    ),
    "expr": Reader(operands=Operands.TEXT),
    "which": Reader(short="as", long="all", operands=Operands.TEXT),
    "type": Reader(short="aptfP", operands=Operands.TEXT),
    "command": Reader(short="vV", operands=Operands.TEXT, first=True, check=check_command),
    "whereis": Reader(short="bmsu", operands=Operands.TEXT),
    "locale": Reader(
        short="akmc", long="all-locales charmaps category-name", operands=Operands.TEXT
    ),
    "getconf": Reader(short="a", operands=Operands.TEXT),
    "bc": Reader(short="lqs", operands=Operands.NONE),
}
_READERS = {**_TEXT, **_FILES, **_SEARCHES, **_SYSTEM, "gawk": _TEXT["awk"], "mawk": _TEXT["awk"]}
_READERS |= {"fdfind": _FILES["fd"], "eza": _FILES["exa"], "gsed": _TEXT["sed"]}
# Words that stand for no program file.
BUILTINS = frozenset(
    {"[", "[[", "test", "true", "false", ":", "pwd", "echo", "printf", "type", "command", "cd"}
)


def reader_of(program: str) -> Reader | None:
    """The reader of a name, if the name is one's."""
    return _READERS.get(program)


@cache
def known_programs() -> frozenset[str]:
    """The names of all programs that are known to read, however they are called."""
    return frozenset(_READERS) | BUILTINS | {"find", "git"}
