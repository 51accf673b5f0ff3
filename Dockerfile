# rcg with all that it needs. It has never been built where it was written:
# tests/test_dockerfile.py reads it. Its steps of pip were run by hand on Debian
# 12 with Python 3.12 (PyTorch of PyPI), and the commands below start there.
#
#   docker build -t rcg --build-arg "UID=$(id -u)" .           CPU
#   docker build -t rcg --build-arg TORCH=cu126 .              CUDA 12.6
#   mkdir -p work_dirs
#   docker run --rm -it -v "$PWD/work_dirs:/rcg/work_dirs" rcg \
#       python -m rcg.projects.quickstart
#   docker run --rm -it -v "$PWD/work_dirs:/rcg/work_dirs" rcg \
#       python tools/train.py configs/digits/encoder.py
#
# For CUDA, the host needs a driver and the NVIDIA Container Toolkit
# (docker run --gpus all --shm-size 8g ...). The libraries of CUDA come with
# the wheels of PyTorch, so that one base image serves both.
FROM python:3.12-slim-bookworm

# What OpenCV loads, which comes with MMEngine.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

# cpu, cu126, ...: a folder of PyTorch's wheels.
ARG TORCH=cpu
WORKDIR /rcg
# First what changes least, so that a change of the code builds in seconds.
RUN pip install --no-cache-dir torch torchvision \
    --index-url "https://download.pytorch.org/whl/${TORCH}"
COPY requirements requirements
RUN pip install --no-cache-dir -r requirements/runtime.txt

# The user who runs it: with the host's number, results belong to you.
ARG UID=1000
RUN useradd --create-home --uid "${UID}" rcg && chown rcg .
COPY --chown=rcg . .
RUN mkdir -p work_dirs && chown rcg work_dirs \
    && pip install --no-cache-dir --no-deps --editable .
USER rcg

CMD ["python", "-c", "import rcg; print('rcg', rcg.__version__)"]
