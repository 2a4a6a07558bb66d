// The closing of runtime/closing.py on a GPU, bit-packed along x: the algorithm of runtime/morphology.py, a thread a word.
//
// A mask (Z, Y, X) becomes words of 32 voxels, each row (z, y) starting anew: voxel x is bit x % 32 of word x / 32.
// The ball is a set of rows (dz, dy), each a run of 2 * half + 1 voxels, half < 32, so that a word of the result takes
// from three words of each row. Bits beyond the width are always 0.
//
// CUDA C++ without headers, for NVRTC; the tests compile it as plain C++.

typedef unsigned int Word;
typedef unsigned long long Pair;

static const int BITS = 32;

static __device__ int words_of(int width)
{
    return (width + BITS - 1) / BITS;
}

static __device__ long long thread_number()
{
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

// The bits of word number `word` that lie within a row.
static __device__ Word inside(int word, int width)
{
    const int left = width - word * BITS;
    return left >= BITS ? ~(Word)0 : ((Word)1 << left) - 1;
}

// Word number `word` of `row`, or of what the row leaves out; nothing where there is no such word.
static __device__ Word loaded(const Word* row, int word, int width, int complement)
{
    if (word < 0 || word >= words_of(width)) return 0;
    return complement ? ~row[word] & inside(word, width) : row[word];
}

// Each voxel of three neighbouring words spread `half` voxels to both sides: what of it lands in the middle one.
static __device__ Word spread(Word before, Word middle, Word behind, int half)
{
    Pair upwards = (Pair)middle << BITS | before;
    Pair downwards = (Pair)behind << BITS | middle;
    // As many voxels as are covered can be added at once, until there are half + 1.
    for (int covered = 1; covered <= half;) {
        const int step = covered <= half + 1 - covered ? covered : half + 1 - covered;
        upwards |= upwards << step;
        downwards |= downwards >> step;
        covered += step;
    }
    return (Word)(upwards >> BITS) | (Word)downwards;
}

// mask: bool, a byte a voxel; rows: Z * Y. One thread a word.
extern "C" __global__ void pack(const unsigned char* mask, Word* words, long long rows, int width)
{
    const int row_words = words_of(width);
    const long long number = thread_number();
    if (number >= rows * row_words) return;
    const int first = (int)(number % row_words) * BITS;
    const unsigned char* voxels = mask + number / row_words * width + first;
    const int count = width - first < BITS ? width - first : BITS;
    Word word = 0;
    for (int bit = 0; bit < count; bit++) word |= (Word)(voxels[bit] != 0) << bit;
    words[number] = word;
}

// The inverse of pack. One thread a voxel.
extern "C" __global__ void unpack(const Word* words, unsigned char* mask, long long rows, int width)
{
    const long long number = thread_number();
    if (number >= rows * width) return;
    const int x = (int)(number % width);
    mask[number] = words[number / width * words_of(width) + x / BITS] >> x % BITS & 1;
}

// The union of the mask shifted by every row of the ball; rows outside add nothing. With `complement`, what the mask
// leaves out is dilated, and what that leaves out is the result: the erosion, with the outside counted as full.
// halves: (2 * radius + 1)^2, by dz and dy; -1 where the ball has no row. One thread a word.
extern "C" __global__ void dilate(
    const Word* words, Word* dilated, const int* halves, int radius, int depth, int height, int width, int complement)
{
    const int row_words = words_of(width);
    const long long number = thread_number();
    if (number >= (long long)depth * height * row_words) return;
    const int word = (int)(number % row_words);
    const int y = (int)(number / row_words % height);
    const int z = (int)(number / row_words / height);
    Word found = 0;
    for (int dz = z < radius ? -z : -radius; dz <= radius && z + dz < depth; dz++) {
        for (int dy = y < radius ? -y : -radius; dy <= radius && y + dy < height; dy++) {
            const int half = halves[(dz + radius) * (2 * radius + 1) + dy + radius];
            if (half < 0) continue;
            const Word* row = words + ((long long)(z + dz) * height + y + dy) * row_words;
            found |= spread(
                loaded(row, word - 1, width, complement),
                loaded(row, word, width, complement),
                loaded(row, word + 1, width, complement),
                half);
        }
    }
    dilated[number] = (complement ? ~found : found) & inside(word, width);
}
